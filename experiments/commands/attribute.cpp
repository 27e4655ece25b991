// `notnot attribute`: how much each word matters to the model of a finished run, by one measure or several.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/io/input_error.h"
#include "experiments/commands/commands.h"
#include "experiments/commands/finished_run.h"
#include "experiments/commands/options.h"
#include "experiments/commands/run_study.h"
#include "experiments/study/memory.h"

namespace notnot {
namespace {

template <class All>
std::vector<std::string> names_of(const All& all) {
  std::vector<std::string> names;
  for (const auto& each : all) names.emplace_back(to_string(each));
  return names;
}

struct AttributeArguments : StudyArguments {
  std::string run, dataset;
  std::vector<std::string> measures = names_of(kMeasures), splits = {std::string(to_string(SplitName::test))};
};

/// The element of a list on the command line, which must be one of `all`.
template <class All>
std::string one_of(const All& all, const char* what, const std::string& element) {
  const std::vector<std::string> names = names_of(all);
  if (std::find(names.begin(), names.end(), element) != names.end()) return element;
  throw InputError(fmt::format("{} is none of the {}: {}", element, what, fmt::join(names, ", ")));
}
std::string measure_from(const std::string& element) { return one_of(kMeasures, "measures", element); }
std::string split_from(const std::string& element) { return one_of(kSplitNames, "splits", element); }

/// Those of `all` that `names` has. Throws InputError if it has one twice.
template <class All>
auto chosen_of(const All& all, const char* option, const std::vector<std::string>& names) {
  std::vector<typename All::value_type> chosen;
  for (const auto& each : all) {
    const auto times = std::count(names.begin(), names.end(), to_string(each));
    if (times > 1) throw InputError(fmt::format("{}: {} is given twice; give it once", option, to_string(each)));
    if (times == 1) chosen.push_back(each);
  }
  return chosen;
}

/// `path` so that its last part is the name of the run's folder.
std::filesystem::path with_name(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.has_filename() ? path : path.parent_path();
  const bool dots = folder.filename() == "." || folder.filename() == "..";
  return dots ? std::filesystem::weakly_canonical(folder) : folder;
}

/// The configuration of the run. Throws InputError unless it is finished, and has a model whose words can be attributed.
RunConfig config_of(const RunFolder& run) {
  check_there(run);
  RunConfig config = read_run_config(run);
  const std::string path = run.path().string();
  if (!trains(config.spec.kind)) {
    throw InputError(fmt::format("{} looks at the model of the run {} and has none of its own; give that run", path,
                                 config.spec.other));
  }
  if (!is_attributable(config.spec.kind)) {
    throw InputError(
        fmt::format("{}: its attention is given by another source ({}), and what it would be without a word, or for "
                    "another one, is not defined; give a run with an attention of its own: a base model, a uniform "
                    "model, an MLP that no attention guides, or an adversary",
                    path, config.spec.other));
  }
  check_finished(run);
  if (!config.has_checksums()) {
    throw InputError(fmt::format(
        "{} is of an earlier version of notnot, which recorded no checksums: its texts cannot be told from others; "
        "train it again with --retrain",
        path));
  }
  const std::string name = run_name(config.data.dataset, config.spec);
  if (run.path().filename() != name) {
    throw InputError(fmt::format(
        "{} holds the run {}, and attributions name their run by its folder; give the folder that name again", path,
        name));
  }
  return config;
}

void attribute(const AttributeArguments& arguments) {
  const std::vector<Measure> measures = chosen_of(kMeasures, "--measures", arguments.measures);
  const std::vector<SplitName> splits = chosen_of(kSplitNames, "--splits", arguments.splits);
  const RunFolder run(with_name(arguments.run));
  const RunConfig config = config_of(run);
  const auto explain = [&] {
    return fmt::format("the texts of {} cannot be read into the memory that there is; allow more memory (ulimit -v)",
                       run.path().string());
  };
  Study study{.inputs = explain_out_of_memory(
                  explain, [&] { return load_inputs_of(run, arguments.dataset, arguments.settings); }),
              .tests = {},
              .runs = {}};
  for (const Measure measure : measures) {
    study.runs.push_back(attribution_of(config.data.dataset, config.spec, measure, splits));
  }
  run_beside(arguments, study);
}

void add_computing_options(CLI::App& command, AttributeArguments& a) {
  command
      .add_option("--device", a.settings.device,
                  "Where to compute: auto (a CUDA device if there is one), cpu, cuda or cuda:<number>")
      ->capture_default_str();
  command
      .add_option("--threads", a.settings.threads,
                  "Threads on the CPU (default: OMP_NUM_THREADS, or as many as processors and quota allow); results do "
                  "not depend on it")
      ->check(CLI::Range(1, 1024));
  command
      .add_option("--fleet", a.jobs.fleet,
                  "How many measures are computed at once (default: one per thread on the CPU, 16 on CUDA)")
      ->check(CLI::Range(1, 1024));
  command.add_flag("--retrain", a.jobs.existing.retrain,
                   "Compute an attribution again where its folder holds another run, or one of the model before that "
                   "was trained again; one that is the same is not computed again");
  command.add_flag("--plan", a.plan,
                   "Only print the attributions, with the time and memory that they will take; compute nothing");
}

}  // namespace

void add_attribute_command(CLI::App& app) {
  auto arguments = std::make_shared<AttributeArguments>();
  CLI::App* command = app.add_subcommand(
      "attribute",
      "How much each word matters to a trained model, by attention, gradients, leave-one-out and others; writes a run "
      "folder per measure beside the model's");
  command
      ->add_option("run", arguments->run,
                   "The folder of a finished run whose model has an attention of its own: not an MLP that is guided")
      ->required();
  add_list_option<std::string>(*command, "--measures", arguments->measures, measure_from,
                               "The measures, separated by commas");
  add_list_option<std::string>(*command, "--splits", arguments->splits, split_from,
                               "The splits, separated by commas; notnot diagnose needs train,dev,test");
  command->add_option("--dataset", arguments->dataset,
                      "Where the texts of the run are now, as for notnot train (default: where the run has read them); "
                      "texts that were changed are refused");
  add_computing_options(*command, *arguments);
  command->callback([arguments] { attribute(*arguments); });
}

}  // namespace notnot
