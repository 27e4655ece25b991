// `notnot uniform`: the paper's first test (section 3.2).
#include "experiments/commands/commands.h"
#include "experiments/commands/options.h"
#include "experiments/commands/run_study.h"

namespace notnot {

void add_uniform_command(CLI::App& app) {
  auto arguments = std::make_shared<StudyArguments>();
  CLI::App* command = app.add_subcommand(
      "uniform", "Test 1: is attention needed at all, or do uniform weights do as well? (the paper's Table 2)");
  add_dataset_option(*command, arguments->settings);
  add_study_options(*command, *arguments);
  add_seeds_option(*command, *arguments);
  add_repeats_option(*command, *arguments);
  command->callback([command, arguments] {
    check_seeds_used(*command, *arguments);
    run_test(*arguments, PaperTest::uniform);
  });
}

}  // namespace notnot
