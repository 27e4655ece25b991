#include "experiments/commands/study_arguments.h"

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "engine/io/input_error.h"
#include "experiments/commands/options.h"

namespace notnot {

void add_study_options(CLI::App& command, StudyArguments& a) {
  add_data_options(command, a.settings);
  add_training_options(command, a.settings);
  command.add_option("--seed", a.study.seed, "Seed of the base model and of what is compared with it")
      ->check(valid_seed())
      ->capture_default_str();
  command.add_option("--fleet", a.jobs.fleet, "Models that train at once (default: one per CPU thread; 16 on CUDA)")
      ->check(CLI::Range(1, 1024));
  command.add_flag("--plan", a.plan, "Print the runs, their time and memory, and stop");
  const CLI::Option* select = command.get_option("--select");
  command
      .add_option("--protocol", a.protocol,
                  "paper: the published choices; careful: --select dev, and --repeats 5 where it applies")
      ->check(CLI::IsMember({"paper", "careful"}))
      ->capture_default_str();
  command.parse_complete_callback([&a, &command, select] {
    if (a.protocol != "careful") return;
    if (select->empty()) a.settings.select = "dev";
    const CLI::Option* repeats = command.get_option_no_throw("--repeats");
    if (repeats != nullptr && repeats->empty()) a.study.repeats = 5;
  });
}

void add_repeats_option(CLI::App& command, StudyArguments& a) {
  command
      .add_option("--repeats", a.study.repeats,
                  "Seeds per cell of the tables: --seed and the first of --seeds; 5 for mean and standard deviation")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
}

void add_seeds_option(CLI::App& command, StudyArguments& a) {
  command.add_option("--seeds", a.study.seeds, "The other seeds, with commas")
      ->delimiter(',')
      ->check(valid_seed())
      ->capture_default_str();
}

void add_adversary_options(CLI::App& command, StudyArguments& a) {
  command
      .add_option("--tvd", a.settings.tvd, "single: 0.5 |p - p'| of the one output, as released; two-class: |p - p'|")
      ->check(CLI::IsMember({"single", "two-class"}))
      ->capture_default_str();
  command
      .add_option("--adversary-seed", a.study.adversary_seed,
                  "Seed of the adversaries (default: the base model's own, so that they start where it started)")
      ->check(valid_seed());
  command.add_option("--adversary-epochs", a.settings.adversary_epochs, "Epochs that an adversary trains at most")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
}

void add_lambdas_option(CLI::App& command, StudyArguments& a) {
  const CLI::Validator finite(
      [](const std::string& text) {
        double value = -1;
        const bool number = CLI::detail::lexical_cast(text, value);
        return number && std::isfinite(value) && value >= 0 ? std::string() : text + " is not a number of at least 0";
      },
      "");
  command
      .add_option("--lambdas", a.study.lambdas,
                  "Weights of the divergence from the base model's attention, with commas; larger ones follow where "
                  "none is large enough")
      ->delimiter(',')
      ->check(finite)
      ->capture_default_str();
}

void check_arguments(const StudyArguments& arguments) {
  std::vector<uint64_t> seeds = arguments.study.seeds;
  seeds.push_back(arguments.study.seed);
  if (const auto twice = given_twice(std::move(seeds))) {
    throw InputError(fmt::format("seed {} is given twice, in --seed and --seeds; give every seed once", *twice));
  }
  if (arguments.study.repeats > static_cast<int32_t>(arguments.study.seeds.size()) + 1) {
    throw InputError(fmt::format("--repeats {} needs as many seeds, but --seed and --seeds give {}",
                                 arguments.study.repeats, arguments.study.seeds.size() + 1));
  }
}

}  // namespace notnot
