// The sections on the data, the findings, the evidence, the maps and the runs; those of the four tests are in
// report_experiments.cpp.
#include "experiments/report/sections.h"

#include <fmt/format.h>

#include <algorithm>

#include "experiments/format/html.h"
#include "experiments/format/numbers.h"
#include "experiments/report/adversaries.h"
#include "experiments/report/heat_map.h"

namespace notnot {
namespace {

bool trains_on_labels(const LoadedRun& run) {
  return run.spec.kind != RunKind::adversary && run.spec.kind != RunKind::perturbation;
}

std::string remark_on_start(const LoadedStudy& study, const LoadedRun& run) {
  if (!run.init.empty()) {
    return fmt::format("All parameters, the embeddings too, start from <code>{}</code>.", escape(run.init));
  }
  const std::string ours =
      run.vectors.empty()
          ? fmt::format("at random (normal distribution), {} wide: no word vectors were given", run.embed)
          : fmt::format("from <code>{}</code>, {} wide, which has {} of the {} words",
                        escape(std::filesystem::path(run.vectors).filename().string()), run.embed,
                        with_thousands(run.words_with_vectors), with_thousands(run.vocabulary));
  const bool clinical = study.dataset == "diabetes" || study.dataset == "anemia";
  return fmt::format(
      "Word embeddings start {}. The paper starts from {}.{}", ours,
      clinical ? "word2vec vectors trained on the notes" : "fastText&#39;s vectors (simple-wiki, 300 wide)",
      run.vectors.empty() ? " Expect a lower F1 than the paper&#39;s." : "");
}

std::string remark_on_selection(const LoadedRun& run) {
  if (run.result.selected_on == "test") {
    return "The epoch shown is the one with the best ROC-AUC on the test split itself, as in the paper&#39;s released "
           "code. This leaks: the test numbers are a little better than they would be on new texts. "
           "Training with <code>--select dev</code> avoids it.";
  }
  return fmt::format(
      "The epoch shown is the one with the best ROC-AUC on the {} split. The paper&#39;s released code takes the best "
      "on the test split, which leaks and makes its numbers a little better.",
      escape(run.result.selected_on));
}

std::vector<std::string> remarks(const LoadedStudy& study, const LoadedRun& run) {
  std::vector<std::string> result;
  if (study.paper() != nullptr) result.push_back(remark_on_start(study, run));
  result.push_back(remark_on_selection(run));
  if (run.precision != "fp32") {
    result.push_back(fmt::format("The LSTM&#39;s recurrence was computed in {}, not in fp32.", escape(run.precision)));
  }
  if (study.paper() == nullptr) return result;
  if (run.epochs != kPaperEpochs || run.hidden != kPaperHidden) {
    result.push_back(fmt::format("Trained for {} epochs with {} hidden units; the paper&#39;s models: {} and {}.",
                                 run.epochs, run.hidden, kPaperEpochs, kPaperHidden));
  }
  return result;
}

/// Of the whole study.
std::vector<std::string> remarks_on_data(const LoadedStudy& study) {
  std::vector<std::string> result;
  if (study.synthetic()) {
    result.emplace_back(
        "<b>SYNTHETIC texts</b>, made up in place of the real ones: nothing measured here is about the "
        "real data.");
  }
  if (study.published() != nullptr && !is_papers_test_split(study)) {
    const auto& test = study.any_run().texts[SplitName::test];
    result.push_back(
        fmt::format("The test split is not the paper&#39;s: {} + {} texts here, {} + {} there. The numbers "
                    "cannot be compared closely.",
                    with_thousands(test[0]), with_thousands(test[1]), with_thousands(study.published()->test[0]),
                    with_thousands(study.published()->test[1])));
  }
  return result;
}

/// Remarks that hold for all runs stand alone; the others name their runs.
std::string comparison(const LoadedStudy& study) {
  std::string items;
  for (const std::string& remark : remarks_on_data(study)) items += fmt::format("<li>{}</li>\n", remark);
  std::vector<std::pair<std::string, std::vector<std::string>>> holders;  // remark, labels
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

/// What keeps the findings from being about the paper's data.
const char* caveat_of(const LoadedStudy& study) {
  if (study.synthetic()) return " The texts are SYNTHETIC: this says nothing about the real data.";
  if (!is_papers_test_split(study)) return " The test split is not the paper&#39;s.";
  return study.planted() ? " The corpus is made up; the paper does not have it." : "";
}

}  // namespace

std::string verdict_html(Verdict verdict) {
  constexpr std::array<std::pair<const char*, const char*>, 3> marks = {
      {{"agrees", "&#10003;"}, {"disagrees", "&#10007;"}, {"untold", "?"}}};
  const auto& [name, mark] = marks.at(static_cast<size_t>(verdict));
  return fmt::format("<span class=\"verdict {}\"><span aria-hidden=\"true\">{}</span> {}</span>", name, mark,
                     to_string(verdict));
}

Section findings_section(const LoadedStudy& study, const std::vector<Finding>& findings) {
  std::string html = fmt::format(
      "<p>Whether these runs agree with what the paper finds. A difference of F1 counts when its 95% interval has one "
      "sign: over the seeds with {} or more of them, else over the test texts.{}</p>\n<div class=\"findings\">\n",
      kSeedsForInterval, caveat_of(study));
  for (const Finding& finding : findings) {
    html += fmt::format("<div class=\"finding\"><p><b>{}.</b> {}</p>\n<p>{}. {}</p></div>\n", escape(finding.title),
                        escape(finding.claim), verdict_html(finding.verdict), escape(finding.reason));
  }
  return {study.key + "-findings", "Findings", html + "</div>\n"};
}

Section data_section(const LoadedStudy& study, const Exhibits& exhibits) {
  return {study.key + "-data", "The data", exhibits.table(data_table(study)) + comparison(study)};
}

Section evidence_section(const LoadedStudy& study, const Exhibits& exhibits) {
  Section section{study.key + "-evidence", "Attention on the evidence", ""};
  const auto figure = evidence_figure(study);
  if (!figure) return section;
  section.html =
      "<p>The right explanation is known here: a few evidence words decide each label. How much of its attention a "
      "model puts on them tells whether the attention explains; F1 does not.</p>\n" +
      exhibits.figure(
          *figure, study.key + "-evidence",
          "Share of the attention on evidence words, and F1; of several runs the mean and the standard deviation.",
          "Scatter plot of F1 against the share of attention on evidence words, a point per model.") +
      exhibits.table(evidence_table(study));
  return section;
}

Section maps_section(const LoadedStudy& study, const Exhibits&) {
  return {study.key + "-maps", "Where the attention lies", heat_maps_html(study)};
}

Section runs_section(const LoadedStudy& study, const Exhibits& exhibits) {
  std::string html = study.runs.empty() ? "" : exhibits.table(run_table(study));
  if (!study.unused.empty()) html += exhibits.table(unused_table(study));
  return {study.key + "-runs", "The runs", html};
}

}  // namespace notnot
