#include "experiments/report/data.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "experiments/format/html.h"
#include "experiments/report/measures.h"

namespace notnot {
namespace {

bool trains_on_labels(const LoadedRun& run) {
  return !is_adversary(run.spec().kind) && run.spec().kind != RunKind::perturbation;
}

std::string remark_on_start(const LoadedStudy& study, const LoadedRun& run) {
  const InputPaths& paths = run.config.paths;
  if (!paths.init.empty()) {
    return fmt::format("All parameters, the embeddings too, start from <code>{}</code>.", escape(paths.init));
  }
  const std::string ours =
      paths.vectors.empty()
          ? fmt::format("at random (normal distribution), {} wide: no word vectors were given", run.config.embed)
          : fmt::format("from <code>{}</code>, {} wide, which has {} of the {} words",
                        escape(std::filesystem::path(paths.vectors).filename().string()), run.config.embed,
                        with_thousands(run.config.words_with_vectors), with_thousands(run.config.vocabulary));
  return fmt::format("Word embeddings start {}. The paper starts from {}.{}", ours,
                     is_clinical(study.corpus()) ? "word2vec vectors trained on the notes"
                                                 : "fastText&#39;s vectors (simple-wiki, 300 wide)",
                     paths.vectors.empty() ? " Expect a lower F1 than the paper&#39;s." : "");
}

std::string remark_on_selection(const LoadedRun& run) {
  if (run.result.selected_on == "test") {
    return "The epoch shown is the one with the best ROC-AUC on the test split itself, as in the paper&#39;s released "
           "code. This leaks: what it gains, new texts would not have; the table of the chosen epochs has the numbers. "
           "Training with <code>--select dev</code> avoids it.";
  }
  return fmt::format(
      "The epoch shown is the one with the best ROC-AUC on the {} split. The paper&#39;s released code takes the best "
      "on the test split, which leaks: the table of the chosen epochs says what it would gain here.",
      escape(run.result.selected_on));
}

std::vector<std::string> remarks(const LoadedStudy& study, const LoadedRun& run) {
  std::vector<std::string> result;
  if (study.paper() != nullptr) result.push_back(remark_on_start(study, run));
  result.push_back(remark_on_selection(run));
  if (run.config.precision != Precision::fp32) {
    result.push_back(
        fmt::format("The LSTM&#39;s recurrence was computed in {}, not in fp32.", to_string(run.config.precision)));
  }
  if (study.paper() == nullptr) return result;
  if (run.config.training.epochs != kPaperEpochs || run.config.hidden != kPaperHidden) {
    result.push_back(fmt::format("Trained for {} epochs with {} hidden units; the paper&#39;s models: {} and {}.",
                                 run.config.training.epochs, run.config.hidden, kPaperEpochs, kPaperHidden));
  }
  return result;
}

/// Remarks that concern all runs of the study.
std::vector<std::string> remarks_on_data(const LoadedStudy& study) {
  std::vector<std::string> result;
  if (study.synthetic()) {
    result.emplace_back(
        "<b>SYNTHETIC texts</b>, made up in place of the real ones: nothing measured here is about the real data.");
  }
  if (study.published() != nullptr && !is_papers_test_split(study)) {
    const SplitSizes& test = study.any_run().config.texts.test;
    result.push_back(
        fmt::format("The test split is not the paper&#39;s: {} + {} texts here, {} + {} there. The numbers "
                    "cannot be compared closely.",
                    with_thousands(test.negative), with_thousands(test.positive),
                    with_thousands(study.published()->test[0]), with_thousands(study.published()->test[1])));
  }
  return result;
}

/// The list of all remarks. A remark that does not hold for every run begins with the labels of its runs.
std::string comparison(const LoadedStudy& study) {
  std::string items;
  for (const std::string& remark : remarks_on_data(study)) items += fmt::format("<li>{}</li>\n", remark);
  std::vector<std::pair<std::string, std::vector<std::string>>> holders;  // a remark, and the labels of its runs
  size_t runs = 0;
  for (const LoadedRun& run : study.runs) {
    if (!trains_on_labels(run)) continue;
    ++runs;
    for (const std::string& remark : remarks(study, run)) {
      auto known =
          std::find_if(holders.begin(), holders.end(), [&](const auto& entry) { return entry.first == remark; });
      if (known == holders.end()) known = holders.insert(known, {remark, {}});
      known->second.push_back(escape(run.label));
    }
  }
  for (const auto& [remark, labels] : holders) {
    items += labels.size() == runs ? fmt::format("<li>{}</li>\n", remark)
                                   : fmt::format("<li><b>{}:</b> {}</li>\n", joined_with_and(labels), remark);
  }
  return fmt::format("<h4>{}</h4>\n<ul>\n{}</ul>\n",
                     study.paper() == nullptr ? "How the epoch was chosen" : "What differs from the paper", items);
}

Section data_section(const LoadedStudy& study, const Exhibits& exhibits) {
  return {study.key + "-data", "The data", exhibits.table(data_table(study)) + comparison(study)};
}

}  // namespace

Part data_part() { return {.section = data_section}; }

ResultTable data_table(const LoadedStudy& study) {
  const PublishedCorpus* published = study.published();
  const auto classes = study.classes();
  ResultTable table{.name = study.key + "-table1",
                    .caption = fmt::format("Texts of {} (Table 1)", study.title()),
                    .note = fmt::format("Data: {}.", data_in_words(study)),
                    .header = {"Split", classes[0], classes[1]},
                    .rows = {},
                    .left = 1};
  if (published != nullptr) {
    table.header.insert(table.header.end(), {"Paper's " + classes[0], "Paper's " + classes[1]});
    table.note += fmt::format(" {} Mean length in the paper: {:g} words.", published->convention, published->words);
  }
  for (const SplitName split : kSplitNames) {
    const SplitSizes& sizes = study.any_run().config.texts[split];
    std::vector<std::string> row = {std::string(to_string(split)), with_thousands(sizes.negative),
                                    with_thousands(sizes.positive)};
    if (published != nullptr) {
      const auto& counts = split == SplitName::train ? published->train : published->test;
      const bool known = split != SplitName::dev;
      for (const int32_t count : counts) row.push_back(known ? with_thousands(count) : "-");
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace notnot
