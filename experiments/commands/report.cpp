// `notnot report`: from finished runs to the page with its tables and figures.
#include <fmt/format.h>

#include "experiments/commands/commands.h"
#include "experiments/commands/options.h"
#include "experiments/report/page.h"
#include "experiments/report/summary.h"

namespace notnot {
namespace {

struct ReportArguments {
  std::vector<std::filesystem::path> runs;
  std::filesystem::path out;
  bool force = false;
};

void report_command(const ReportArguments& arguments) {
  check_report_folder(arguments.out, arguments.runs, arguments.force);
  const std::vector<LoadedStudy> studies = load_studies(arguments.runs);
  ReportFolder folder(arguments.out, arguments.force);
  const std::filesystem::path page = write_report(studies, folder);
  for (const LoadedStudy& study : studies) {
    if (studies.size() > 1) fmt::print("{}\n", study.title());
    fmt::print("{}\n", summary_table(study));
  }
  fmt::print("The report, with the attention of some test texts: {}\n", page.string());
}

}  // namespace

void add_report_command(CLI::App& app) {
  auto arguments = std::make_shared<ReportArguments>();
  CLI::App* command = app.add_subcommand(
      "report", "Make an HTML page from finished runs: the tables and figures of the paper, beside its numbers");
  command->add_option("runs", arguments->runs, "Folders of runs, or folders in which such folders lie")->required();
  command->add_option("--out", arguments->out, "The folder for the page, index.html, and for its tables and figures")
      ->required();
  add_force_option(*command, arguments->force);
  command->callback([arguments] { report_command(*arguments); });
}

}  // namespace notnot
