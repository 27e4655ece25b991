// `notnot guides`: the paper's third test (section 3.4).
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/io/input_error.h"
#include "experiments/commands/commands.h"
#include "experiments/commands/options.h"
#include "experiments/commands/run_study.h"

namespace notnot {
namespace {

/// The measures that may guide: all but attention.
std::vector<std::string> names_of_guides() {
  std::vector<std::string> names;
  for (const Measure measure : kMeasures) {
    if (measure != Measure::attention) names.emplace_back(to_string(measure));
  }
  return names;
}

std::string guide_from(const std::string& element) {
  const std::vector<std::string> names = names_of_guides();
  if (std::find(names.begin(), names.end(), element) != names.end()) return element;
  const bool attention = element == to_string(Measure::attention);
  throw InputError(fmt::format("{}: {}; give some of {}", element,
                               attention ? "the base model's attention always guides" : "there is no such measure",
                               fmt::join(names, ", ")));
}

struct GuidesArguments : StudyArguments {
  std::vector<std::string> by;
};

void compare_guides(GuidesArguments& arguments) {
  if (const auto twice = given_twice(arguments.by)) {
    throw InputError(fmt::format("--by: {} is given twice; give it once", *twice));
  }
  for (const std::string& name : arguments.by) arguments.study.guides.push_back(*measure_named(name));
  run_test(arguments, PaperTest::guides);
}

}  // namespace

void add_guides_command(CLI::App& app) {
  auto arguments = std::make_shared<GuidesArguments>();
  CLI::App* command = app.add_subcommand(
      "guides",
      "Test 3: does the attention help an MLP, which sees single words without context? (the paper's Table 3)");
  add_dataset_option(*command, arguments->settings);
  add_study_options(*command, *arguments);
  add_seeds_option(*command, *arguments);
  add_repeats_option(*command, *arguments);
  add_adversary_options(*command, *arguments);
  add_list_option<std::string>(
      *command, "--by", arguments->by, guide_from,
      fmt::format(
          "Attributions of the base model that guide an MLP, too, separated by commas: {}. They are computed for "
          "all three splits; the weight of a word is its share of the text's |scores|",
          fmt::join(names_of_guides(), ", ")));
  command->callback([command, arguments] {
    check_seeds_used(*command, *arguments);
    compare_guides(*arguments);
  });
}

}  // namespace notnot
