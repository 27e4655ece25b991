// `notnot adversary`: the paper's fourth test (section 4), and the perturbations of Jain & Wallace (2019).
#include "experiments/commands/commands.h"
#include "experiments/commands/options.h"
#include "experiments/commands/run_study.h"

namespace notnot {

void add_adversary_command(CLI::App& app) {
  auto arguments = std::make_shared<StudyArguments>();
  CLI::App* command = app.add_subcommand(
      "adversary",
      "Test 4: can a model make the same predictions with other attention? (the paper's Table 4 and Figure 5)");
  add_dataset_option(*command, arguments->settings);
  add_study_options(*command, *arguments);
  add_seeds_option(*command, *arguments);
  add_repeats_option(*command, *arguments);
  add_adversary_options(*command, *arguments);
  add_lambdas_option(*command, *arguments);
  add_side_by_side_option(*command, *arguments);
  command->callback([arguments, command] {
    const bool side_by_side = arguments->study.side_by_side > 0;
    if (side_by_side) settle_side_by_side(*command, *arguments);
    run_test(*arguments, side_by_side ? PaperTest::side_by_side : PaperTest::adversary);
  });
}

}  // namespace notnot
