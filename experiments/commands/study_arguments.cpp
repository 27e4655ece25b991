#include "experiments/commands/study_arguments.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <vector>

#include "engine/io/input_error.h"
#include "experiments/commands/options.h"

namespace notnot {
namespace {

double lambda_from(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool number = error == std::errc() && end == text.data() + text.size();
  if (!number || !std::isfinite(value) || std::signbit(value))
    throw InputError(fmt::format("{} is not a decimal number of at least 0", text));
  return value;
}

}  // namespace

void add_study_options(CLI::App& command, StudyArguments& a) {
  add_data_options(command, a.settings);
  add_training_options(command, a.settings);
  command
      .add_option("--seed", a.study.seed, "Random seed of the base model and of the models that are compared with it")
      ->check(valid_seed())
      ->capture_default_str();
  command
      .add_option("--fleet", a.jobs.fleet,
                  "How many models train at once (default: one per thread on the CPU, 16 on CUDA)")
      ->check(CLI::Range(1, 1024));
  add_retrain_option(command, a.jobs.existing);
  command.add_flag("--plan", a.plan,
                   "Only print the runs, with the time and memory that they will take; train nothing");
  const CLI::Option* select = command.get_option("--select");
  command
      .add_option(
          "--protocol", a.protocol,
          "paper: as in the paper; careful: as with --select dev, and with --repeats 5 if the command has this option")
      ->check(CLI::IsMember({"paper", "careful"}))
      ->capture_default_str();
  command.parse_complete_callback([&a, &command, select] {
    const CLI::Option* seeds = command.get_option_no_throw("--seeds");
    if (seeds == nullptr || seeds->empty()) std::erase(a.study.seeds, a.study.seed);  // of the default ones
    if (a.protocol != "careful") return;
    if (select->empty()) a.settings.select = "dev";
    const CLI::Option* repeats = command.get_option_no_throw("--repeats");
    if (repeats != nullptr && repeats->empty()) a.study.repeats = 5;
  });
}

void add_repeats_option(CLI::App& command, StudyArguments& a) {
  command
      .add_option(
          "--repeats", a.study.repeats,
          "How many seeds each number of the tables is measured with: --seed, then the first ones of --seeds; the "
          "tables then have the mean and the standard deviation")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
}

void add_seeds_option(CLI::App& command, StudyArguments& a) {
  add_list_option<uint64_t>(command, "--seeds", a.study.seeds, seed_from, "The other seeds, separated by commas");
}

void add_adversary_options(CLI::App& command, StudyArguments& a) {
  command
      .add_option("--tvd", a.settings.tvd,
                  "The distance of two predictions p and p' in the loss of an adversary and in the report: single is "
                  "0.5 |p - p'|, as in the paper's released code; two-class is |p - p'|")
      ->check(CLI::IsMember({"single", "two-class"}))
      ->capture_default_str();
  command
      .add_option(
          "--adversary-seed", a.study.adversary_seed,
          "Random seed of the adversaries (default: the seed of their base model, so that they start from its initial "
          "parameters)")
      ->check(valid_seed());
  command
      .add_option("--adversary-epochs", a.settings.adversary_epochs,
                  "The largest number of epochs for which an adversary trains")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
}

void add_lambdas_option(CLI::App& command, StudyArguments& a) {
  add_list_option<double>(
      command, "--lambdas", a.study.lambdas, lambda_from,
      "How much adversaries are rewarded for attention that differs from the base model's: the weights of that "
      "divergence in the loss, separated by commas; larger ones follow if none is large enough");
}

void add_side_by_side_option(CLI::App& command, StudyArguments& a) {
  command
      .add_option(
          "--side-by-side", a.study.side_by_side,
          fmt::format(
              "Train so many adversaries of a base model together (2 to {}), far from it and from each other, in "
              "place of single ones: each has its lambda times the mean Jensen-Shannon divergence from the others in "
              "its loss, too. Without --lambdas there is one such group, with lambda {}",
              kMostSideBySide, kGuideLambda))
      ->check([](const std::string& text) {
        int members = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), members);
        const bool number = error == std::errc() && end == text.data() + text.size();
        if (number && members >= 2 && members <= kMostSideBySide) return std::string();
        return fmt::format(
            "{} is not a whole number from 2 to {}: one adversary has no other (leave the option out), and all models "
            "of a "
            "group lie in memory together, each with the attention of the others in its loss",
            text, kMostSideBySide);
      });
}

void settle_side_by_side(const CLI::App& command, StudyArguments& arguments) {
  if (command.count("--lambdas") == 0) arguments.study.lambdas = {kGuideLambda};
  check_seeds_used(command, arguments);
  for (const double lambda : arguments.study.lambdas) {
    if (lambda > 0) continue;
    throw InputError("--side-by-side needs lambdas above 0: with 0 nothing drives the adversaries apart");
  }
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

void check_seeds_used(const CLI::App& command, const StudyArguments& arguments) {
  if (command.count("--seeds") == 0 || arguments.study.repeats > 1) return;
  throw InputError("--seeds changes nothing with --repeats 1; give --repeats, too, or leave --seeds out");
}

}  // namespace notnot
