// `notnot seeds`: the paper's second test (section 3.3).
#include "experiments/commands/commands.h"
#include "experiments/commands/options.h"
#include "experiments/commands/run_study.h"

namespace notnot {

void add_seeds_command(CLI::App& app) {
  auto arguments = std::make_shared<StudyArguments>();
  CLI::App* command = app.add_subcommand(
      "seeds", "Test 2: how far does the attention move when only the random seed changes? (the paper's Figure 3)");
  add_dataset_option(*command, arguments->settings);
  add_study_options(*command, *arguments);
  add_seeds_option(*command, *arguments);
  command->callback([arguments] { run_test(*arguments, PaperTest::seeds); });
}

}  // namespace notnot
