#include "experiments/report/runs.h"

#include <fmt/format.h>

#include "experiments/format/numbers.h"

namespace notnot {
namespace {

std::string chosen_epoch(const LoadedRun& run) {
  if (run.spec().kind == RunKind::perturbation) return "-";
  return fmt::format("{} of {}", run.result.epoch, run.epochs_trained);
}

Section runs_section(const LoadedStudy& study, const Exhibits& exhibits) {
  std::string html = study.runs.empty() ? "" : exhibits.table(run_table(study));
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
                          run.spec().kind == RunKind::adversary ? fmt::format("{}", run.spec().lambda) : "-",
                          perturbation ? "-" : three_decimals(run.test().f1), chosen_epoch(run),
                          perturbation ? "-" : fmt::format("{:.1f} s", run.train_seconds),
                          fmt::format("{}", run.config.hidden), fmt::format("{}", run.config.embed),
                          devices_in_words(run.config), programs_in_words(run.config), run.path.string()});
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
