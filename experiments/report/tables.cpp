#include "experiments/report/tables.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "experiments/format/html.h"
#include "experiments/format/numbers.h"

namespace notnot {
namespace {

/// What `describe` says of the runs, each answer once, empty ones left out.
template <class Describe>
std::string all_of(const std::vector<LoadedRun>& runs, Describe describe) {
  std::vector<std::string> answers;
  for (const LoadedRun& run : runs) {
    std::string answer = describe(run);
    if (!answer.empty() && std::find(answers.begin(), answers.end(), answer) == answers.end()) {
      answers.push_back(std::move(answer));
    }
  }
  return fmt::format("{}", fmt::join(answers, "; "));
}

std::string vectors_of(const LoadedRun& run) {
  if (!run.init.empty()) return "parameters from " + std::filesystem::path(run.init).filename().string();
  if (run.vectors.empty()) return fmt::format("random word vectors, {} wide", run.embed);
  return fmt::format("word vectors {}, {} wide, for {} of {} words",
                     std::filesystem::path(run.vectors).filename().string(), run.embed,
                     with_thousands(run.words_with_vectors), with_thousands(run.vocabulary));
}

std::string selection_of(const LoadedRun& run) {
  if (run.spec.kind == RunKind::perturbation || run.spec.kind == RunKind::adversary) return "";
  return run.result.selected_on == "test" ? "the test split's ROC-AUC (as published; this leaks)"
                                          : fmt::format("the {} split's ROC-AUC", run.result.selected_on);
}

/// What to say where clearly fewer texts than Table 1 counts were trained on. Length filters take some: of IMDb's
/// 25,000 they leave 21,497, the development split included.
std::string missing_texts(const LoadedStudy& study) {
  const auto& texts = study.any_run().texts;
  const auto [train, dev] = std::pair(texts[SplitName::train], texts[SplitName::dev]);
  const int64_t here = train[0] + train[1] + dev[0] + dev[1],
                published = study.published()->train[0] + study.published()->train[1];
  if (10 * here >= 8 * published) return "";
  return fmt::format(", PARTIAL: {} training and development texts where the paper's Table 1 has {}",
                     with_thousands(here), with_thousands(published));
}

std::string data_of(const LoadedStudy& study) {
  if (study.planted()) return "the built-in planted corpus";
  std::string data = study.synthetic() ? "SYNTHETIC texts in place of the real ones" : study.dataset;
  if (study.published() != nullptr && !study.synthetic()) {
    data += is_papers_test_split(study) ? ", as many test texts of each class as in the paper"
                                        : ", not the paper's test split";
    data += missing_texts(study);
  }
  return data;
}

std::string texts_of(const LoadedRun& run, SplitName split, size_t label) {
  return with_thousands(run.texts[split].at(label));
}

/// A group's rows: the first run, and its mean over the seeds when there are several.
std::vector<std::vector<std::string>> rows_of(const ModelGroup& group, bool papers) {
  std::vector<std::vector<std::string>> rows;
  const auto add = [&](const std::string& seed, const std::string& f1, const std::string& roc_auc,
                       const std::string& accuracy, double ours) {
    rows.push_back({group.name, seed, f1});
    if (papers)
      rows.back().insert(rows.back().end(),
                         {three_decimals(group.paper_f1), signed_three_decimals(ours - group.paper_f1)});
    rows.back().insert(rows.back().end(), {roc_auc, accuracy});
  };
  const LoadedRun& first = *group.runs.front();
  add(fmt::format("{}", first.spec.seed), three_decimals(first.test().f1), three_decimals(first.test().roc_auc),
      three_decimals(first.test().accuracy), first.test().f1);
  if (group.runs.size() < 2) return rows;
  std::vector<double> roc_auc, accuracy;
  for (const LoadedRun* run : group.runs) {
    roc_auc.push_back(run->test().roc_auc);
    accuracy.push_back(run->test().accuracy);
  }
  const bool defined = std::none_of(roc_auc.begin(), roc_auc.end(), [](double value) { return std::isnan(value); });
  add(fmt::format("mean of {}", group.runs.size()), mean_and_spread(group.f1()),
      defined ? mean_and_spread(roc_auc) : "-", mean_and_spread(accuracy), mean(group.f1()));
  return rows;
}

std::string seeds_note(const std::vector<ModelGroup>& groups) {
  std::string note;
  for (const ModelGroup& group : groups) {
    if (group.runs.size() > 1) note += fmt::format(" {}: seeds {}.", group.name, seeds_of(group.runs));
  }
  return note.empty() ? note : " Means over the seeds with the sample's standard deviation." + note;
}

std::string chosen_epoch(const LoadedRun& run) {
  if (run.spec.kind == RunKind::perturbation) return "-";
  return fmt::format("{} of {}", run.result.epoch, run.epochs_trained);
}

}  // namespace

bool is_papers_test_split(const LoadedStudy& study) {
  if (study.published() == nullptr) return true;
  const auto& texts = study.any_run().texts[SplitName::test];
  return texts[0] == study.published()->test[0] && texts[1] == study.published()->test[1];
}

std::string conditions(const LoadedStudy& study) {
  std::string text = fmt::format("Data: {}. Start: {}.", data_of(study), all_of(study.runs, vectors_of));
  const std::string selection = all_of(study.runs, selection_of);
  if (!selection.empty()) text += fmt::format(" Epoch chosen by {}.", selection);
  return text;
}

std::string seeds_of(const std::vector<const LoadedRun*>& runs) {
  std::vector<std::string> seeds;
  seeds.reserve(runs.size());
  for (const LoadedRun* run : runs) seeds.push_back(fmt::format("{}", run->spec.seed));
  return joined_with_and(seeds);
}

ResultTable data_table(const LoadedStudy& study) {
  const PublishedCorpus* published = study.published();
  const auto classes = study.classes();
  ResultTable table{.name = study.key + "-table1",
                    .caption = fmt::format("Texts of {} (Table 1)", study.title()),
                    .note = fmt::format("Data: {}.", data_of(study)),
                    .header = {"Split", classes[0], classes[1]},
                    .rows = {},
                    .left = 1};
  if (published != nullptr) {
    table.header.insert(table.header.end(), {"Paper's " + classes[0], "Paper's " + classes[1]});
    table.note += fmt::format(" {} Mean length in the paper: {:g} words.", published->convention, published->words);
  }
  for (const SplitName split : kSplitNames) {
    std::vector<std::string> row = {std::string(to_string(split)), texts_of(study.any_run(), split, 0),
                                    texts_of(study.any_run(), split, 1)};
    if (published != nullptr) {
      const auto& counts = split == SplitName::train ? published->train : published->test;
      const bool known = split != SplitName::dev;
      for (const int32_t count : counts) row.push_back(known ? with_thousands(count) : "-");
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

ResultTable attention_table(const LoadedStudy& study) {
  const bool papers = study.paper() != nullptr;
  ResultTable table{.name = study.key + "-table2",
                    .caption = fmt::format("F1 with learned and with uniform attention on {} (Table 2)", study.title()),
                    .note = "F1 of the positive class on the test split. " + conditions(study),
                    .header = {"Attention", "Seed", "F1"},
                    .rows = {},
                    .left = 2};
  if (papers) table.header.insert(table.header.end(), {"Paper's F1", "Difference"});
  table.header.insert(table.header.end(), {"ROC-AUC", "Accuracy"});
  if (papers) table.header.emplace_back("Jain & Wallace's F1");
  const auto groups = attention_groups(study);
  for (const ModelGroup& group : groups) {
    for (auto& row : rows_of(group, papers)) {
      if (papers) row.push_back(three_decimals(group.jain_wallace_f1));
      table.rows.push_back(std::move(row));
    }
  }
  table.note += seeds_note(groups);
  if (!papers) table.note += " The paper has no numbers for this data set.";
  return table;
}

ResultTable guide_table(const LoadedStudy& study) {
  const bool papers = study.paper() != nullptr && !std::isnan(study.paper()->guides.base);
  ResultTable table{.name = study.key + "-table3",
                    .caption = fmt::format("F1 of the guided MLP on {} (Table 3)", study.title()),
                    .note = "F1 of the positive class on the test split. " + conditions(study),
                    .header = {"Guide", "Seed", "F1"},
                    .rows = {},
                    .left = 2};
  if (papers) table.header.insert(table.header.end(), {"Paper's F1", "Difference"});
  table.header.insert(table.header.end(), {"ROC-AUC", "Accuracy"});
  const auto groups = guide_groups(study);
  for (const ModelGroup& group : groups) {
    for (auto& row : rows_of(group, papers)) table.rows.push_back(std::move(row));
  }
  table.note += seeds_note(groups);
  return table;
}

ResultTable comparison_table(const LoadedStudy& study, const std::string& name, const std::string& caption,
                             const std::vector<F1Comparison>& comparisons) {
  ResultTable table{.name = study.key + "-" + name,
                    .caption = fmt::format("{} on {}", caption, study.title()),
                    .note = fmt::format(
                        "One seed{}: difference, interval and p of the paired bootstrap over the test texts, {} "
                        "resamples. Over n seeds: mean and sample's standard deviation of the difference between runs "
                        "of the same seed, and the interval of that mean (Student's t). {}",
                        comparisons.empty() ? "" : fmt::format(" ({})", comparisons.front().seed),
                        with_thousands(kResamples), conditions(study)),
                    .header = {"F1 difference", "One seed", "95% interval", "p", "n", "Over seeds", "95% of mean"},
                    .rows = {},
                    .left = 1};
  const auto interval = [](double low, double high) {
    return fmt::format("{} to {}", signed_three_decimals(low), signed_three_decimals(high));
  };
  for (const F1Comparison& each : comparisons) {
    const size_t seeds = each.by_seed.size();
    table.rows.push_back({fmt::format("{} - {}", each.a, each.b), signed_three_decimals(each.texts.difference),
                          interval(each.texts.low, each.texts.high),
                          each.texts.p_value < 0.001 ? "< 0.001" : three_decimals(each.texts.p_value),
                          fmt::format("{}", seeds), seeds < 2 ? "-" : mean_and_spread(each.by_seed),
                          seeds < kSeedsForInterval ? "-" : interval(each.low(), each.high())});
  }
  return table;
}

ResultTable run_table(const LoadedStudy& study) {
  ResultTable table{
      .name = study.key + "-runs",
      .caption = fmt::format("The runs on {}", study.title()),
      .note =
          "All finished. Epoch: the chosen one, of those trained. Hidden: units per direction of the "
          "LSTM, or of the token-level layer. Time: training of all epochs, without evaluation.",
      .header = {"Run", "Seed", "\u03bb", "F1", "Epoch", "Time", "Hidden", "Embed", "Device", "Program", "Folder"},
      .rows = {},
      .left = 1};
  for (const LoadedRun& run : study.runs) {
    const bool perturbation = run.spec.kind == RunKind::perturbation;
    table.rows.push_back({run.label, fmt::format("{}", run.spec.seed),
                          run.spec.kind == RunKind::adversary ? fmt::format("{:g}", run.spec.lambda) : "-",
                          perturbation ? "-" : three_decimals(run.test().f1), chosen_epoch(run),
                          perturbation ? "-" : fmt::format("{:.1f} s", run.train_seconds),
                          fmt::format("{}", run.hidden), fmt::format("{}", run.embed), run.device,
                          run.version + (run.commit.empty() ? "" : ", commit " + run.commit), run.path.string()});
  }
  return table;
}

ResultTable unused_table(const LoadedStudy& study) {
  ResultTable table{.name = study.key + "-unused",
                    .caption = fmt::format("Runs on {} that are not used", study.title()),
                    .note = "",
                    .header = {"Run", "Folder", "State"},
                    .rows = {},
                    .left = 3};
  for (const LoadedRun& run : study.unused) {
    table.rows.push_back({run.label, run.path.string(), run.unfinished});
  }
  return table;
}

ResultTable evidence_table(const LoadedStudy& study) {
  ResultTable table{.name = study.key + "-evidence",
                    .caption = fmt::format("Attention on the evidence of {}", study.title()),
                    .note =
                        "Evidence: the share of the attention on the words that decide the label, mean over the "
                        "test texts; of several runs mean and sample's standard deviation, in percent. " +
                        conditions(study),
                    .header = {"Model", "Runs", "Evidence", "F1"},
                    .rows = {},
                    .left = 1};
  const auto percent = [](const std::vector<double>& shares) {
    const std::string spread = shares.size() < 2 ? "" : fmt::format(" \u00b1 {:.1f}", 100 * standard_deviation(shares));
    return fmt::format("{:.1f}{}", 100 * mean(shares), spread);
  };
  for (const ModelGroup& group : model_groups(study)) {
    table.rows.push_back(
        {group.name, fmt::format("{}", group.runs.size()), percent(group.evidence()), mean_and_spread(group.f1())});
  }
  for (const LoadedRun* run : study.of_kind(RunKind::perturbation)) {
    table.rows.push_back({run->label, "1", percent({run->evidence_mass}), "-"});
  }
  return table;
}

}  // namespace notnot
