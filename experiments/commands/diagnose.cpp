// `notnot diagnose`: the paper's third test (section 3.4) for attention that another program made.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/corpora/table.h"
#include "engine/io/input_error.h"
#include "engine/io/text.h"
#include "engine/io/warning.h"
#include "engine/runs/external_attention.h"
#include "experiments/commands/commands.h"
#include "experiments/commands/finished_run.h"
#include "experiments/commands/options.h"
#include "experiments/commands/run_study.h"

namespace notnot {
namespace {

struct DiagnoseArguments : StudyArguments {
  std::filesystem::path attention;
  std::string importance = "weights";
};

/// A pipe has no name of its own: /dev/fd/63 is another one in every call.
bool is_pipe(const std::filesystem::path& path) {
  return !std::filesystem::is_directory(path) && !std::filesystem::is_regular_file(path);
}

std::vector<std::string_view> names_of(const std::vector<SplitName>& splits) {
  std::vector<std::string_view> names;
  for (const SplitName split : splits) names.push_back(to_string(split));
  return names;
}

/// Throws InputError unless the run is finished, and was trained on the data set of `inputs`. Rows and labels may agree
/// though the words do not, and a run keeps the words of its test texts only; hence the checksums.
void check_run(const RunFolder& run, const Inputs& inputs) {
  check_there(run);
  check_finished(run);
  const std::string path = run.path().string();
  const RunConfig config = read_run_config(run);
  if (config.spec.kind == RunKind::perturbation) {
    throw InputError(
        fmt::format("{} holds perturbations of another run's attention, and none of its own; give the run "
                    "that was perturbed ({})",
                    path, config.spec.other));
  }
  if (config.spec.kind == RunKind::attribution && config.spec.splits.size() < kSplitNames.size()) {
    const std::filesystem::path model = run.path().parent_path() / config.spec.other;
    throw InputError(fmt::format(
        "{} has attributions of the {} split only, and a guide needs those of all three; give the folder that `notnot "
        "attribute {} --measures {} --splits train,dev,test` writes",
        path, fmt::join(names_of(config.spec.splits), " and "), model.string(), to_string(config.spec.measure)));
  }
  if (!config.has_checksums()) {
    throw InputError(fmt::format(
        "{} is of an earlier version of notnot, which recorded no checksums: whether it was trained on these texts "
        "cannot be known; train it again with --retrain",
        path));
  }
  const std::vector<std::string> keys = differing_content(config, inputs.config(RunSpec{}));
  if (keys.empty()) return;
  throw InputError(fmt::format("{} was not trained on {} ({}); give a run that was, or the data set of that run", path,
                               inputs.settings.corpus.dataset, in_words(keys)));
}

/// "mine" of mine.jsonl and of mine.jsonl.gz. The dots in the name of a run are part of it.
std::string name_of(const std::filesystem::path& file) {
  return std::filesystem::is_directory(file) ? replace_invalid_utf8(file.filename().string()) : table_name(file);
}

ExternalGuide load_guide(const DiagnoseArguments& arguments, const Inputs& inputs) {
  const auto importance = std::find_if(kImportances.begin(), kImportances.end(),
                                       [&](Importance known) { return to_string(known) == arguments.importance; });
  std::error_code ignored;
  if (std::filesystem::is_directory(arguments.attention, ignored)) check_run(RunFolder(arguments.attention), inputs);
  ExternalAttention read = read_external_attention(arguments.attention, inputs.corpus.dataset, *importance);
  for (const std::string& warning : read.warnings) warn(warning);
  const bool pipe = is_pipe(arguments.attention);
  const std::filesystem::path file =
      pipe ? arguments.attention : std::filesystem::weakly_canonical(arguments.attention);
  const std::string suffix = arguments.importance == "weights" ? "" : "-" + arguments.importance;
  ExternalGuide guide{.label = "external-" + (pipe ? "pipe" : name_of(file)) + suffix,
                      .file = file,
                      .checksum = std::move(read.checksum),
                      .targets = {},
                      .importance = *importance};
  guide.targets.train.log_attention = std::move(read.log_attention.train);
  guide.targets.dev.log_attention = std::move(read.log_attention.dev);
  guide.targets.test.log_attention = std::move(read.log_attention.test);
  return guide;
}

void diagnose(const DiagnoseArguments& arguments) {
  check_arguments(arguments);
  Studies studies;
  studies.push_back(make_study(arguments, arguments.settings.corpus.dataset, {PaperTest::diagnose}));
  Inputs& inputs = studies.front().inputs;
  inputs.guide = load_guide(arguments, inputs);
  run_studies(arguments, studies, {});
}

}  // namespace

void add_diagnose_command(CLI::App& app) {
  auto arguments = std::make_shared<DiagnoseArguments>();
  CLI::App* command =
      app.add_subcommand("diagnose",
                         "Test 3 for attention that another program made: does it help an MLP as much as the attention "
                         "of a base model does? (the paper's Table 3)");
  add_dataset_option(*command, arguments->settings);
  command
      ->add_option("--attention", arguments->attention,
                   "A weight for each word of every text: JSON lines (see notnot data --tokens), safetensors, or a run "
                   "folder, also "
                   "one that notnot attribute wrote for all three splits")
      ->required();
  command
      ->add_option(
          "--importance", arguments->importance,
          "How the numbers of --attention become weights, which then sum to 1 in each text: weights, as they are; "
          "absolute, their absolute values; positive, 0 for negative numbers; softmax, their exponentials")
      ->check(CLI::IsMember({"weights", "absolute", "positive", "softmax"}))
      ->capture_default_str();
  add_study_options(*command, *arguments);
  add_seeds_option(*command, *arguments);
  add_repeats_option(*command, *arguments);
  command->callback([command, arguments] {
    check_seeds_used(*command, *arguments);
    diagnose(*arguments);
  });
}

}  // namespace notnot
