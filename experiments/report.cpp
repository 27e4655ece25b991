#include "experiments/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/files.h"
#include "experiments/commands.h"
#include "kernels/error.h"

namespace notnot {
namespace {

struct ReportArguments {
  std::vector<std::filesystem::path> runs;
  std::filesystem::path out;
};

void report_command(const ReportArguments& arguments) {
  const std::vector<ReportedRun> runs = load_runs(arguments.runs);
  const std::filesystem::path page = write_report(runs, arguments.out);
  fmt::print("{}\nThe report, with the attention of some test texts: {}\n", summary_table(runs), page.string());
}

}  // namespace

std::string measure(double value) { return std::isnan(value) ? "-" : fmt::format("{:.3f}", value); }

double mean_evidence_mass(const ReportedRun& run) {
  double sum = 0;
  for (const TestText& text : run.test) sum += evidence_mass(text);
  return sum / static_cast<double>(run.test.size());
}

std::string summary_table(const std::vector<ReportedRun>& runs) {
  const PaperDataset* paper = find_in_paper(runs.front().dataset);
  size_t width = std::string_view("model").size();
  for (const ReportedRun& run : runs) width = std::max(width, run.label.size());
  std::string table = fmt::format("{:<{}}  {:>10}  {:>5}  {:>10}  {:>7}  {:>8}  epoch\n", "model", width, "seed", "F1",
                                  "paper's F1", "ROC-AUC", "accuracy");
  for (const ReportedRun& run : runs) {
    const Classification& test = run.result.split[static_cast<size_t>(SplitName::test)];
    table += fmt::format(
        "{:<{}}  {:>10}  {:>5}  {:>10}  {:>7}  {:>8}  {} of {}, chosen on {}\n", run.label, width, run.seed,
        measure(test.f1), paper == nullptr ? "-" : measure(paper->f1[static_cast<size_t>(run.model)]),
        measure(test.roc_auc), measure(test.accuracy), run.result.epoch, run.epochs, run.result.selected_on);
  }
  if (runs.front().synthetic) table += "SYNTHETIC texts: nothing measured here is about the real data\n";
  return table;
}

std::filesystem::path write_report(const std::vector<ReportedRun>& runs, const std::filesystem::path& out) {
  const std::string page = report_page(runs);
  std::error_code error;
  std::filesystem::create_directories(out, error);
  if (error) {
    throw InputError(
        fmt::format("the folder {} cannot be made: {}; choose another with --out", out.string(), error.message()));
  }
  write_atomically(out / "index.html", page);
  return out / "index.html";
}

void add_report_command(CLI::App& app) {
  auto arguments = std::make_shared<ReportArguments>();
  CLI::App* command = app.add_subcommand("report", "Finished runs on one data set, as a table and an HTML page");
  command->add_option("runs", arguments->runs, "Finished run folders")->required();
  command->add_option("--out", arguments->out, "Folder for the page, index.html")->required();
  command->callback([arguments] { report_command(*arguments); });
}

}  // namespace notnot
