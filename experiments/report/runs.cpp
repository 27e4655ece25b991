#include "experiments/report/runs.h"

#include <fmt/format.h>

#include "experiments/format/numbers.h"
#include "experiments/report/measures.h"
#include "experiments/report/model_groups.h"

namespace notnot {
namespace {

std::string chosen_epoch(const LoadedRun& run) {
  if (run.spec().kind == RunKind::perturbation) return "-";
  return fmt::format("{} of {}", run.result.epoch, run.epochs_trained);
}

/// The mean and the spread over the runs of the group that have an EpochChoice.
template <class Measure>
std::string over_runs(const ModelGroup& group, Measure measure) {
  std::vector<double> values;
  for (const LoadedRun* run : group.runs) {
    if (run->epoch_choice) values.push_back(measure(*run->epoch_choice));
  }
  return mean_and_spread(values);
}

/// The epochs of the runs, in their order: "2 3 2".
std::string epochs_of(const ModelGroup& group, int32_t EpochChoice::*epoch) {
  std::string epochs;
  for (const LoadedRun* run : group.runs) {
    if (run->epoch_choice) epochs += fmt::format("{}{}", epochs.empty() ? "" : " ", (*run->epoch_choice).*epoch);
  }
  return epochs;
}

Section runs_section(const LoadedStudy& study, const Exhibits& exhibits) {
  std::string html;
  if (const ResultTable choices = epoch_choice_table(study); !choices.rows.empty()) html += exhibits.table(choices);
  if (!study.runs.empty()) html += exhibits.table(run_table(study));
  if (!study.attributions.empty()) html += exhibits.table(attribution_table(study));
  if (!study.unused.empty()) html += exhibits.table(unused_table(study));
  return {study.key + "-runs", "The runs", html};
}

}  // namespace

Part runs_part() { return {.section = runs_section}; }

ResultTable run_table(const LoadedStudy& study) {
  ResultTable table{
      .name = study.key + "-runs",
      .caption = fmt::format("The runs on {}", study.title()),
      .note =
          "All finished. Epoch: the chosen one, of those trained. Hidden: units per direction of the LSTM, or of the "
          "token-level layer. Time: training of all epochs, without evaluation.",
      .header = {"Run", "Seed", "\u03bb", "F1", "Epoch", "Time", "Hidden", "Embed", "Device", "Program", "Folder"},
      .rows = {},
      .left = 1};
  for (const LoadedRun& run : study.runs) {
    const bool perturbation = run.spec().kind == RunKind::perturbation;
    table.rows.push_back({run.label, fmt::format("{}", run.spec().seed),
                          is_adversary(run.spec().kind) ? fmt::format("{}", run.spec().lambda) : "-",
                          perturbation ? "-" : three_decimals(run.test().f1), chosen_epoch(run),
                          perturbation ? "-" : fmt::format("{:.1f} s", run.train_seconds),
                          fmt::format("{}", run.config.hidden), fmt::format("{}", run.config.embed),
                          devices_in_words(run.config), programs_in_words(run.config), run.path.string()});
  }
  return table;
}

ResultTable attribution_table(const LoadedStudy& study) {
  ResultTable table{.name = study.key + "-attributions",
                    .caption = fmt::format("The attributions on {}", study.title()),
                    .note =
                        "How much each word of a split matters to a model, by one measure. Score: the mean absolute "
                        "value over all words, with respect to the probability. Not converged: the share of texts "
                        "whose integrated gradients miss the difference that they must sum to by 0.01 or more.",
                    .header = {"Measure", "Model", "Split", "Texts", "Score", "Not converged", "Folder"},
                    .rows = {},
                    .left = 3};
  for (const LoadedRun& run : study.attributions) {
    for (const SplitName split : kSplitNames) {
      const auto& of = run.attribution.splits[split];
      if (!of) continue;
      const LoadedRun* model = study.other_of(run);
      table.rows.push_back(
          {title_of(run.attribution.measure), model == nullptr ? run.spec().other : model->label,
           std::string(to_string(split)), with_thousands(of->texts), fmt::format("{:.3g}", of->mean_absolute_score),
           of->share_not_converged ? fmt::format("{:.1f} %", 100 * *of->share_not_converged) : "-", run.path.string()});
    }
  }
  return table;
}

ResultTable epoch_choice_table(const LoadedStudy& study) {
  ResultTable table{
      .name = study.key + "-epoch-choice",
      .caption = fmt::format("What the choice of the epoch on the test split gains on {}", study.title()),
      .note =
          "Epochs: by the ROC-AUC of the test split, as in the published numbers, and by that of the development "
          "split, a number per run. F1 and ROC-AUC are those of the test split in these epochs. What the first "
          "choice gains, new texts would not have. Adversaries are chosen by their training loss and gain "
          "nothing, which is a handicap against the others. " +
          conditions(study),
      .header = {"Model", "Epochs by test", "Epochs by dev", "F1 by test", "F1 by dev", "Gain", "ROC-AUC by test",
                 "ROC-AUC by dev", "Gain"},
      .rows = {},
      .left = 1};
  for (const ModelGroup& group : model_groups(study)) {
    if (epochs_of(group, &EpochChoice::by_test).empty()) continue;
    std::vector<std::string> row = {group.name, epochs_of(group, &EpochChoice::by_test),
                                    epochs_of(group, &EpochChoice::by_dev)};
    for (double Classification::*measure : {&Classification::f1, &Classification::roc_auc}) {
      const auto by_test = [&](const EpochChoice& choice) { return choice.test_by_test.*measure; };
      const auto by_dev = [&](const EpochChoice& choice) { return choice.test_by_dev.*measure; };
      row.push_back(over_runs(group, by_test));
      row.push_back(over_runs(group, by_dev));
      row.push_back(over_runs(group, [&](const EpochChoice& choice) { return by_test(choice) - by_dev(choice); }));
    }
    table.rows.push_back(std::move(row));
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
    // The reason of a failure may name rows, which are the admissions of clinical texts.
    table.rows.push_back({run.label, run.path.string(),
                          study.shows_texts ? run.unfinished : "not finished; its failure.json may have a reason"});
  }
  return table;
}

}  // namespace notnot
