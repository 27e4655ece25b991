// The sections of the report's page.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "experiments/heat_map.h"
#include "experiments/html.h"
#include "experiments/report.h"

namespace notnot {
namespace {

using Runs = std::vector<ReportedRun>;

std::string title_of(const ReportedRun& run) {
  if (run.planted()) return "the planted corpus";
  const PaperDataset* paper = find_in_paper(run.dataset);
  return std::string(paper == nullptr ? run.dataset : paper->title) + (run.synthetic ? " (SYNTHETIC texts)" : "");
}

/// What `describe` says of the runs, each answer once.
template <class Describe>
std::vector<std::string> distinct(const Runs& runs, Describe describe) {
  std::vector<std::string> answers;
  for (const ReportedRun& run : runs) {
    std::string answer = describe(run);
    if (std::find(answers.begin(), answers.end(), answer) == answers.end()) answers.push_back(std::move(answer));
  }
  return answers;
}

std::string embeddings_of(const ReportedRun& run) {
  if (!run.init.empty()) return "from " + std::filesystem::path(run.init).filename().string();
  if (run.vectors.empty()) return fmt::format("random, {} wide", run.embed);
  return fmt::format("{}, {} wide, for {} of {} words", std::filesystem::path(run.vectors).filename().string(),
                     run.embed, grouped(run.words_with_vectors), grouped(run.vocabulary));
}

std::string program_of(const ReportedRun& run) {
  return "notnot " + run.version + (run.commit.empty() ? "" : ", commit " + run.commit);
}

std::string counts(const ReportedRun& run, SplitName split) {
  const auto& texts = run.texts[static_cast<size_t>(split)];
  return fmt::format("{} <span class=\"muted\">{} negative + {} positive</span>", grouped(texts[0] + texts[1]),
                     grouped(texts[0]), grouped(texts[1]));
}

// --- the header

std::string facts(const Runs& runs) {
  const ReportedRun& first = runs.front();
  const auto all = [&](auto describe) { return escape(fmt::format("{}", fmt::join(distinct(runs, describe), "; "))); };
  const std::vector<std::pair<const char*, std::string>> entries = {
      {"Training texts", counts(first, SplitName::train)},
      {"Development texts", counts(first, SplitName::dev)},
      {"Test texts", counts(first, SplitName::test)},
      {"Vocabulary", grouped(first.vocabulary)},
      {"Embeddings at the start", all(embeddings_of)},
      {"Seed", all([](const ReportedRun& run) { return fmt::format("{}", run.seed); })},
      {"Device", all([](const ReportedRun& run) { return run.device; })},
      {"Program", all(program_of)}};
  std::string html = "<dl class=\"facts\">\n";
  for (const auto& [name, value] : entries) html += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", name, value);
  return html + "</dl>\n";
}

std::string header(const Runs& runs) {
  const ReportedRun& first = runs.front();
  const std::string nature =
      first.planted() ? "on a synthetic corpus in which a few evidence words decide each label, so that the right "
                        "explanation is known"
                      : "to tell negative texts (label 0) from positive ones (label 1)";
  const char* beside = find_in_paper(first.dataset) == nullptr
                           ? ""
                           : ", beside the numbers of <cite>Attention is not not Explanation</cite> (Wiegreffe &amp; "
                             "Pinter, 2019)";
  return fmt::format(
      "<header>\n<p class=\"kicker\">notnot report</p>\n<h1>Attention on {}</h1>\n"
      "<p class=\"lead\">{} trained {}: how well they classify{}, and where their attention lies.</p>\n{}</header>\n",
      escape(title_of(first)), runs.size() == 1 ? "One model" : fmt::format("{} models", runs.size()), nature, beside,
      facts(runs));
}

// --- results

std::string difference(double ours, double papers) {
  const std::string digits = fmt::format("{:.3f}", std::fabs(ours - papers));
  if (digits == "0.000") return digits;
  return (ours < papers ? "&minus;" : "+") + digits;
}

std::string results(const Runs& runs) {
  const PaperDataset* paper = find_in_paper(runs.front().dataset);
  const bool planted = runs.front().planted();
  HtmlTable table;
  table.name = "Results on the test split";
  table.header = {"Model", "F1", "Paper&#39;s F1", "Difference", "ROC&#8209;AUC", "Accuracy"};
  if (planted) table.header.push_back("Attention on evidence");
  table.header.push_back("Epoch");
  for (const ReportedRun& run : runs) {
    const Classification& test = run.result.split[static_cast<size_t>(SplitName::test)];
    std::vector<std::string> row = {
        escape(run.label), "<b>" + measure(test.f1) + "</b>", "-", "-", measure(test.roc_auc), measure(test.accuracy)};
    if (paper != nullptr) {
      const double papers = paper->f1[static_cast<size_t>(run.model)];
      row[2] = measure(papers);
      row[3] = difference(test.f1, papers);
    }
    if (planted) row.push_back(fmt::format("{:.1f} %", 100 * mean_evidence_mass(run)));
    row.push_back(fmt::format("{} of {}, chosen on {}", run.result.epoch, run.epochs, escape(run.result.selected_on)));
    table.rows.push_back(std::move(row));
  }
  table.note = "F1 of the positive class. ";
  table.note += paper != nullptr ? "The paper&#39;s: Table 2 for Base and Uniform, Table 3 for the MLPs."
                                 : "The paper has no numbers for this data set.";
  if (planted) {
    table.note +=
        " Attention on evidence: the share that the words which decide the label get, mean over the test texts.";
  }
  return fmt::format("<section>\n<h2>Results on the test split</h2>\n{}</section>\n", to_html(table));
}

// --- what differs from the paper

std::string remark_on_start(const ReportedRun& run) {
  if (!run.init.empty()) {
    return fmt::format("All parameters, the embeddings too, start from <code>{}</code>.", escape(run.init));
  }
  const std::string ours =
      run.vectors.empty()
          ? fmt::format("at random (normal distribution), {} wide: no word vectors were given", run.embed)
          : fmt::format("from <code>{}</code>, {} wide, which has {} of the {} words",
                        escape(std::filesystem::path(run.vectors).filename().string()), run.embed,
                        grouped(run.words_with_vectors), grouped(run.vocabulary));
  const char* expected = run.vectors.empty() ? " Expect a lower F1 than the paper&#39;s." : "";
  return fmt::format(
      "Word embeddings start {}. The paper starts from fastText&#39;s vectors (simple-wiki, 300 wide).{}", ours,
      expected);
}

std::string remark_on_selection(const ReportedRun& run) {
  if (run.result.selected_on == "test") {
    return "The epoch shown is the one with the best ROC-AUC on the test split itself, as in the paper&#39;s released "
           "code. This leaks: the test numbers are a little better than they would be on new texts. "
           "Training with <code>--select dev</code> avoids it.";
  }
  return fmt::format(
      "The epoch shown is the one with the best ROC-AUC on the {} split. The paper&#39;s released code takes the best "
      "on "
      "the test split, which leaks and makes its numbers a little better.",
      escape(run.result.selected_on));
}

std::vector<std::string> remarks(const ReportedRun& run) {
  const PaperDataset* paper = find_in_paper(run.dataset);
  if (paper == nullptr) return {remark_on_selection(run)};
  std::vector<std::string> result = {remark_on_start(run), remark_on_selection(run)};
  if (run.epochs != paper->epochs || run.hidden != paper->hidden) {
    result.push_back(fmt::format("Trained for {} epochs with {} hidden units; the paper&#39;s models: {} and {}.",
                                 run.epochs, run.hidden, paper->epochs, paper->hidden));
  }
  const auto& test = run.texts[static_cast<size_t>(SplitName::test)];
  if (test[0] != paper->test_texts[0] || test[1] != paper->test_texts[1]) {
    result.push_back(
        fmt::format("The test split is not the paper&#39;s: {} + {} texts here, {} + {} there. The numbers cannot be "
                    "compared closely.",
                    grouped(test[0]), grouped(test[1]), paper->test_texts[0], paper->test_texts[1]));
  }
  return result;
}

/// Remarks that hold for all runs stand alone; the others name their runs.
std::string comparison(const Runs& runs) {
  std::vector<std::pair<std::string, std::vector<std::string>>> holders;  // remark, labels
  for (const ReportedRun& run : runs) {
    for (const std::string& remark : remarks(run)) {
      auto known =
          std::find_if(holders.begin(), holders.end(), [&](const auto& entry) { return entry.first == remark; });
      if (known == holders.end()) known = holders.insert(known, {remark, {}});
      known->second.push_back(escape(run.label));
    }
  }
  std::string items;
  for (const auto& [remark, labels] : holders) {
    items += labels.size() == runs.size() ? fmt::format("<li>{}</li>\n", remark)
                                          : fmt::format("<li><b>{}:</b> {}</li>\n", listed(labels), remark);
  }
  return fmt::format(
      "<section>\n<h2>{}</h2>\n<ul>\n{}</ul>\n</section>\n",
      find_in_paper(runs.front().dataset) == nullptr ? "How the epoch was chosen" : "What differs from the paper",
      items);
}

// --- the runs

std::string run_list(const Runs& runs) {
  HtmlTable table;
  table.name = "The runs";
  table.header = {"Model", "Folder", "Seed", "Hidden", "Embed", "Training time"};
  table.left = 1;
  for (const ReportedRun& run : runs) {
    table.rows.push_back({escape(run.label), "<code>" + escape(run.path.string()) + "</code>",
                          fmt::format("{}", run.seed), fmt::format("{}", run.hidden), fmt::format("{}", run.embed),
                          fmt::format("{:.1f} s", run.train_seconds)});
  }
  table.note =
      "Hidden: units per direction of the LSTM, or of the token-level layer. Training time: all epochs, without "
      "evaluation.";
  return fmt::format("<section>\n<h2>The runs</h2>\n{}</section>\n", to_html(table));
}

}  // namespace

std::string report_page(const Runs& runs) {
  std::string body = header(runs) + "<main>\n";
  for (const auto section : {results, comparison, heat_map_section, run_list}) body += section(runs);
  return html_page("Attention on " + title_of(runs.front()), body + "</main>\n");
}

}  // namespace notnot
