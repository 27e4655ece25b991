// `notnot report`: from finished runs to the page with its tables and figures.
#include <fmt/format.h>

#include <algorithm>

#include "engine/io/file_modes.h"
#include "experiments/commands/commands.h"
#include "experiments/commands/options.h"
#include "experiments/report/page.h"
#include "experiments/report/summary.h"
#include "experiments/terminal/show.h"

namespace notnot {
namespace {

struct ReportArguments {
  std::vector<std::filesystem::path> runs;
  std::filesystem::path out;
  bool force = false, show_texts = false;
};

void report_command(const ReportArguments& arguments) {
  check_report_folder(arguments.out, arguments.runs, arguments.force);
  std::vector<LoadedStudy> studies = load_studies(arguments.runs);
  for (LoadedStudy& study : studies) study.shows_texts = study.shows_texts || arguments.show_texts;
  ReportFolder folder(arguments.out, arguments.force);
  const std::filesystem::path page = write_report(studies, folder);
  for (const LoadedStudy& study : studies) {
    if (studies.size() > 1) show("{}\n", study.title());
    show("{}\n", summary_table(study));
  }
  const bool any_texts =
      std::any_of(studies.begin(), studies.end(), [](const LoadedStudy& study) { return study.shows_texts; });
  show("The report{}: {}\n", any_texts ? ", with the attention of some test texts" : "", page.string());
  if (is_private()) show("note: CONFIDENTIAL: the report may not be shared as it is\n");
}

}  // namespace

void add_report_command(CLI::App& app) {
  auto arguments = std::make_shared<ReportArguments>();
  CLI::App* command = app.add_subcommand(
      "report", "Make an HTML page from finished runs: the tables and figures of the paper, beside its numbers");
  command->add_option("runs", arguments->runs, "Folders of runs, or folders in which such folders lie")->required();
  command->add_option("--out", arguments->out, "The folder for the page, index.html, and for its tables and figures")
      ->required();
  command->add_flag("--show-texts", arguments->show_texts,
                    "Show texts of confidential data sets, too, with the numbers that they have in the data");
  add_force_option(*command, arguments->force);
  command->callback([arguments] { report_command(*arguments); });
}

}  // namespace notnot
