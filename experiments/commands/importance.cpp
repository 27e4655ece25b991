// `notnot importance`: the fifth test, which Jain & Wallace (2019, section 4.1) began.
#include "experiments/commands/commands.h"
#include "experiments/commands/options.h"
#include "experiments/commands/run_study.h"

namespace notnot {

void add_importance_command(CLI::App& app) {
  auto arguments = std::make_shared<StudyArguments>();
  arguments->study.repeats = 5;  // one seed has no ceiling
  CLI::App* command = app.add_subcommand("importance",
                                         "Test 5: does attention agree with gradients, leave-one-out and other "
                                         "measures of what matters? (Jain & Wallace's "
                                         "section 4.1)");
  add_dataset_option(*command, arguments->settings);
  add_study_options(*command, *arguments);
  add_seeds_option(*command, *arguments);
  add_repeats_option(*command, *arguments);
  command->callback([command, arguments] {
    check_seeds_used(*command, *arguments);
    run_test(*arguments, PaperTest::importance);
  });
}

}  // namespace notnot
