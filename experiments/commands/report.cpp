// `notnot report`: from finished runs to the page with its tables and figures.
#include <fmt/format.h>

#include "experiments/commands/commands.h"
#include "experiments/report/page.h"
#include "experiments/report/summary.h"

namespace notnot {
namespace {

struct ReportArguments {
  std::vector<std::filesystem::path> runs;
  std::filesystem::path out;
};

void report_command(const ReportArguments& arguments) {
  const std::vector<LoadedStudy> studies = load_studies(arguments.runs);
  const std::filesystem::path page = write_report(studies, arguments.out);
  for (const LoadedStudy& study : studies) {
    if (studies.size() > 1) fmt::print("{}\n", study.title());
    fmt::print("{}\n", summary_table(study));
  }
  fmt::print("The report, with the attention of some test texts: {}\n", page.string());
}

}  // namespace

void add_report_command(CLI::App& app) {
  auto arguments = std::make_shared<ReportArguments>();
  CLI::App* command =
      app.add_subcommand("report", "The paper's tables and figures from finished runs, as an HTML page");
  command->add_option("runs", arguments->runs, "Run folders, and folders in which run folders lie")->required();
  command->add_option("--out", arguments->out, "Folder for the page, index.html, and its tables and figures")
      ->required();
  command->callback([arguments] { report_command(*arguments); });
}

}  // namespace notnot
