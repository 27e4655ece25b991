// `notnot train`: trains the base model, its twin with uniform attention or a token-level model on one data set.
// Several seeds train at once, as a fleet.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "engine/device/resident_memory.h"
#include "engine/io/checksum.h"
#include "engine/io/input_error.h"
#include "experiments/commands/commands.h"
#include "experiments/commands/options.h"
#include "experiments/study/memory.h"
#include "experiments/study/queue.h"
#include "experiments/terminal/show.h"

namespace notnot {
namespace {

struct TrainArguments {
  Settings settings;
  std::string encoder = "lstm", attention = "learned";
  std::vector<uint64_t> seeds = {10};
  ExistingOptions existing{.resume = false};
  bool explain = false, profile = false;

  RunSpec spec(uint64_t seed) const {
    const bool learned = attention == "learned";
    if (encoder == "lstm") return {.kind = learned ? RunKind::base : RunKind::uniform, .seed = seed, .other = {}};
    return {.kind = learned ? RunKind::trained_mlp : RunKind::uniform_mlp, .seed = seed, .other = {}};
  }
};

/// Takes one step with a very small model, and a checksum as every run takes them. After that, the code of the
/// libraries (4 MiB of OpenSSL) and the kernels that they build at run time (7 MiB with oneDNN) are in memory and count
/// as resident.
void warm_up(const Device& device, ModelOptions options) {
  options.vocabulary = kFirstWordId + 1;
  options.embed = options.hidden = 8;
  options.precision = Precision::fp32;
  const Split split{.token_ids = {kStartId, kFirstWordId, kEndId}, .offsets = {0, 3}, .labels = {1}, .rows = {1}};
  const BatchCapacity capacity{.sequences = 1, .tokens = 3, .unique = 3};
  AttentionClassifier model(device, options, {.evaluation = capacity, .training = capacity, .steps = 1});
  model.allocate();
  model.set_parameters(initial_parameters(model.layout(), 1, {}));
  model.compute_gradients(assemble_batch(split, {0}, options.vocabulary), {});
  model.apply_gradients();
  (void)sha256("");
}

void explain(const Inputs& inputs, const RunSpec& spec) {
  const OpenDevice device(inputs.settings.device, inputs.threads());
  const TrainingOptions training = inputs.training(spec);
  warm_up(device.get(), inputs.model(spec));
  const AttentionClassifier model(device.get(), inputs.model(spec),
                                  training_plan(device.get(), inputs.corpus.dataset, training), training.optimiser);
  std::vector<MemoryRow> rows = model.memory_table();
  const int64_t resident = resident_bytes();
  rows.push_back({"host", "program, libraries, data set and vectors, now", {}, resident});
  for (MemoryRow& row : host_memory(model.layout())) rows.push_back(std::move(row));
  show("One model of this run on {}:\n{}", device.description(), format_memory_table(rows));
  show("\nParameters (offsets in floats):\n");
  for (const Parameter& p : model.layout().parameters()) {
    show("  {:<40} [{}]  at {}\n", p.name, fmt::join(p.shape, ", "), p.offset);
  }
}

/// Throws if a run was stopped or failed.
void check_ends(const Jobs& jobs) {
  for (const auto& job : jobs) {
    if (job->state == JobState::stopped) throw Interrupted(reason(job->error) + "; `--resume` continues");
    if (job->state == JobState::waiting) throw Interrupted("stopped; `--resume` continues");
  }
  for (const auto& job : jobs) {
    if (job->error) std::rethrow_exception(job->error);
  }
}

void train_command(const TrainArguments& arguments) {
  if (const auto twice = given_twice(arguments.seeds)) {
    throw InputError(fmt::format("--seed {} is given twice; give every seed once", *twice));
  }
  if (arguments.encoder != "lstm" && arguments.settings.precision != "fp32") {
    throw InputError(fmt::format("--precision {} is of the LSTM's recurrence; leave it out with --encoder {}",
                                 arguments.settings.precision, arguments.encoder));
  }
  const Inputs inputs = load_inputs_into_memory(arguments.settings);
  if (arguments.explain) return explain(inputs, arguments.spec(arguments.seeds.front()));
  // Refuses parameters that do not fit the model before anything is written.
  if (!inputs.settings.init.empty()) inputs.initial_parameters(arguments.spec(arguments.seeds.front()));
  describe(inputs);
  Jobs jobs;
  for (const uint64_t seed : arguments.seeds) jobs.push_back(std::make_unique<Job>(inputs, arguments.spec(seed)));
  const JobOptions options{.existing = arguments.existing, .keep_checkpoint = true, .profile = arguments.profile};
  prepare_jobs(jobs, options);
  run_jobs(jobs, options);
  check_ends(jobs);
}

void add_model_options(CLI::App& command, TrainArguments& a) {
  command
      .add_option(
          "--encoder", a.encoder,
          "lstm: a bidirectional LSTM, which sees the context of a word; tokens: one layer that sees each word alone")
      ->check(CLI::IsMember({"lstm", "tokens"}))
      ->capture_default_str();
  command.add_option("--attention", a.attention, "learned, or uniform: the same weight for all words of a text")
      ->check(CLI::IsMember({"learned", "uniform"}))
      ->capture_default_str();
  command
      .add_option("--init", a.settings.init,
                  "Start from the parameters in this safetensors file, whose tensors have the names of the paper's "
                  "PyTorch code")
      ->excludes("--vectors");
  add_list_option<uint64_t>(command, "--seed", a.seeds, seed_from,
                            "Random seed; several seeds, separated by commas, train side by side, one model each");
}

}  // namespace

void add_train_command(CLI::App& app) {
  auto arguments = std::make_shared<TrainArguments>();
  CLI::App* command = app.add_subcommand("train", "Train a text classifier with attention, and write a run folder");
  add_dataset_option(*command, arguments->settings);
  add_data_options(*command, arguments->settings);
  add_model_options(*command, *arguments);
  add_training_options(*command, arguments->settings);
  command->add_flag("--resume", arguments->existing.resume, "Continue an unfinished run from its checkpoint");
  add_retrain_option(*command, arguments->existing);
  command->add_flag("--explain", arguments->explain,
                    "Only print the memory that the training would take; train nothing");
  command->add_flag("--profile", arguments->profile, "Time every operation, and print each one's share of the time");
  command->callback([arguments] { train_command(*arguments); });
}

}  // namespace notnot
