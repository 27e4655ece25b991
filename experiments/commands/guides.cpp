// `notnot guides`: the paper's third test (section 3.4).
#include "experiments/commands/commands.h"
#include "experiments/commands/options.h"
#include "experiments/commands/run_study.h"

namespace notnot {

void add_guides_command(CLI::App& app) {
  auto arguments = std::make_shared<StudyArguments>();
  CLI::App* command = app.add_subcommand(
      "guides",
      "Test 3: does the attention help an MLP, which sees single words without context? (the paper's Table 3)");
  add_dataset_option(*command, arguments->settings);
  add_study_options(*command, *arguments);
  add_seeds_option(*command, *arguments);
  add_repeats_option(*command, *arguments);
  add_adversary_options(*command, *arguments);
  command->callback([command, arguments] {
    check_seeds_used(*command, *arguments);
    run_test(*arguments, PaperTest::guides);
  });
}

}  // namespace notnot
