// `notnot paper`: all tests of the paper on several data sets, and the report.
#include <algorithm>
#include <map>

#include "experiments/commands/commands.h"
#include "experiments/commands/options.h"
#include "experiments/commands/run_study.h"
#include "experiments/report/report_folder.h"

namespace notnot {
namespace {

struct PaperArguments : StudyArguments {
  std::vector<std::string> datasets;
  std::vector<std::string> tests;  ///< empty for the tests that the paper ran on the data set
  std::filesystem::path out = "report";
  bool force = false;
};

const std::map<std::string, PaperTest> kTests = {{"uniform", PaperTest::uniform},
                                                 {"seeds", PaperTest::seeds},
                                                 {"guides", PaperTest::guides},
                                                 {"adversary", PaperTest::adversary},
                                                 {"importance", PaperTest::importance}};

std::string test_from(const std::string& element) {
  if (!kTests.contains(element))
    throw InputError(element + " is none of uniform, seeds, guides, adversary and importance");
  return element;
}

/// The paper drops the two news sets after the first test (section 3.2).
std::set<PaperTest> tests_of_paper(const std::string& corpus) {
  if (corpus == "agnews" || corpus == "20news") return {PaperTest::uniform};
  return {PaperTest::uniform, PaperTest::seeds, PaperTest::guides, PaperTest::adversary};
}

void run_paper(const CLI::App& command, const PaperArguments& arguments) {
  check_arguments(arguments);
  if (!arguments.plan) check_report_folder(arguments.out, {arguments.settings.runs}, arguments.force);
  std::set<PaperTest> tests;
  for (const std::string& name : arguments.tests) tests.insert(kTests.at(name));
  Studies studies;
  // The options of the planted corpus change no other data set, which may stand in the list beside it.
  PaperArguments others = arguments;
  if (std::count(arguments.datasets.begin(), arguments.datasets.end(), kPlantedReader) > 0)
    others.settings.corpus.planted = {};
  for (const std::string& dataset : arguments.datasets) {
    Study& study = studies.emplace_back(make_study(dataset == kPlantedReader ? arguments : others, dataset, tests));
    if (tests.empty()) study.tests = tests_of_paper(study.inputs.corpus.reader);
  }
  const bool any_seeds = std::any_of(studies.begin(), studies.end(),
                                     [](const Study& study) { return study.tests.contains(PaperTest::seeds); });
  if (!any_seeds) check_seeds_used(command, arguments);
  run_studies(arguments, studies, arguments.out, arguments.force);
}

}  // namespace

void add_paper_command(CLI::App& app) {
  auto arguments = std::make_shared<PaperArguments>();
  CLI::App* command =
      app.add_subcommand("paper", "All four tests of the paper on one or more data sets, and the report");
  add_list_option<std::string>(
      *command, "--datasets", arguments->datasets, word_from,
      "Data sets, separated by commas; each is anything that --dataset of the other commands takes")
      ->required();
  add_list_option<std::string>(
      *command, "--tests", arguments->tests, test_from,
      "Some of uniform, seeds, guides, adversary and importance, separated by commas (default: the first four, which "
      "are the paper's; on agnews and 20news only uniform, as in the paper)");
  add_study_options(*command, *arguments);
  add_seeds_option(*command, *arguments);
  add_repeats_option(*command, *arguments);
  add_adversary_options(*command, *arguments);
  add_lambdas_option(*command, *arguments);
  command->add_option("--out", arguments->out, "Folder for the report")->capture_default_str();
  add_force_option(*command, arguments->force);
  command->callback([command, arguments] { run_paper(*command, *arguments); });
}

}  // namespace notnot
