// `notnot train`: the base model, its uniform twin or a token-level model on one data set; several seeds train as a
// fleet.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "engine/corpus.h"
#include "engine/open_device.h"
#include "engine/prepared.h"
#include "engine/word_vectors.h"
#include "experiments/commands.h"
#include "experiments/interrupt.h"
#include "experiments/progress.h"
#include "experiments/seed_option.h"
#include "models/training.h"

namespace notnot {
namespace {

constexpr int32_t kEmbedWithoutVectors = 300;  // the width of the vectors that the paper used
constexpr int32_t kMost = std::numeric_limits<int32_t>::max();

struct TrainArguments {
  CorpusRequest corpus;
  std::string encoder = "lstm", attention = "learned", select = "test", device = "auto", runs = "runs";
  std::string vectors, init;
  std::vector<uint64_t> seeds = {10};
  int32_t epochs = 8, batch = 32, hidden = 128, threads = 0;
  bool resume = false, explain = false, profile = false;
};

/// Everything that is the same for all seeds of a call.
struct Plan {
  Corpus corpus;
  ModelOptions model;
  TrainingOptions training;
  std::vector<float> embedding;  ///< [V, E] word vectors or empty
  int64_t vectors_found = 0;
};

/// One seed's run.
struct Job {
  Job(uint64_t its_seed, RunFolder its_folder) : seed(its_seed), folder(std::move(its_folder)) {}
  uint64_t seed;
  RunFolder folder;
  std::unique_ptr<OpenDevice> device;
  std::unique_ptr<RunWriter> writer;
  TrainingRequest request;
  Profile profile;
  std::optional<RunResult> result;
  std::exception_ptr error;
};

void check_selection(const Plan& plan) {
  const Split& split = plan.corpus.dataset.split(plan.training.select);
  if (split.positives() > 0 && split.positives() < split.size()) return;
  throw InputError(fmt::format(
      "{}: all {} texts of the {} split have label {}, so its ROC-AUC cannot choose the epoch; give --select test, or "
      "texts of the other class",
      plan.corpus.dataset.name, split.size(), to_string(plan.training.select), split.positives() > 0 ? 1 : 0));
}

/// Those of --vectors, else those that a prepared data set brings; --init needs none.
std::optional<WordVectors> word_vectors(const TrainArguments& arguments, const Corpus& corpus) {
  if (!arguments.vectors.empty()) return load_word_vectors(arguments.vectors, corpus.dataset.vocabulary);
  if (!arguments.init.empty() || corpus.checksum.empty()) return std::nullopt;
  return PreparedFolder(corpus.path).vectors();
}

Plan make_plan(const TrainArguments& arguments) {
  Plan plan{.corpus = load_corpus(arguments.corpus), .model = {}, .training = {}, .embedding = {}};
  const Vocabulary& vocabulary = plan.corpus.dataset.vocabulary;
  plan.model = {.encoder = arguments.encoder == "lstm" ? Encoder::lstm : Encoder::tokens,
                .attention = arguments.attention == "learned" ? AttentionKind::learned : AttentionKind::uniform,
                .vocabulary = vocabulary.size(),
                .embed = kEmbedWithoutVectors,
                .hidden = arguments.hidden};
  if (std::optional<WordVectors> vectors = word_vectors(arguments, plan.corpus)) {
    plan.model.embed = vectors->width;
    plan.embedding = std::move(vectors->rows);
    plan.vectors_found = vectors->found;
  } else if (!arguments.init.empty()) {
    const std::vector<int64_t> shape = Safetensors::read(arguments.init).entry("encoder.embedding.weight").shape;
    if (shape.size() == 2 && shape[1] > 0 && shape[1] < 100000) plan.model.embed = static_cast<int32_t>(shape[1]);
  }
  plan.training = {.epochs = arguments.epochs,
                   .batch_size = arguments.batch,
                   .select = arguments.select == "test" ? SplitName::test : SplitName::dev,
                   .optimiser = {}};
  check_selection(plan);
  return plan;
}

/// Where the word vectors come from; empty for none.
std::string vectors_file(const TrainArguments& arguments, const Plan& plan) {
  const bool attached = arguments.vectors.empty() && !plan.embedding.empty();
  return attached ? (plan.corpus.path / "vectors.safetensors").string() : arguments.vectors;
}

/// config.json; the object `choices` is what makes two runs the same run.
nlohmann::json config_of(const TrainArguments& arguments, const Plan& plan, uint64_t seed, const OpenDevice& device) {
  const DatasetOptions& options = plan.corpus.options;
  const OptimiserOptions& optimiser = plan.training.optimiser;
  const auto bound = [&](int32_t length) {
    return options.filter_by_length ? nlohmann::json(length) : nlohmann::json();
  };
  nlohmann::json choices = {{"dataset", plan.corpus.dataset.name},
                            {"data", plan.corpus.path.string()},
                            {"min_df", options.min_df},
                            {"length_filter", options.filter_by_length},
                            {"min_length", bound(options.min_length)},
                            {"max_length", bound(options.max_length)},
                            {"encoder", to_string(plan.model.encoder)},
                            {"attention", to_string(plan.model.attention)},
                            {"embed", plan.model.embed},
                            {"hidden", plan.model.hidden},
                            {"vectors", vectors_file(arguments, plan)},
                            {"init", arguments.init},
                            {"seed", seed},
                            {"epochs", plan.training.epochs},
                            {"batch", plan.training.batch_size},
                            {"select", to_string(plan.training.select)},
                            {"learning_rate", optimiser.learning_rate},
                            {"beta1", optimiser.beta1},
                            {"beta2", optimiser.beta2},
                            {"epsilon", optimiser.epsilon},
                            {"weight_decay", optimiser.weight_decay}};
  if (plan.corpus.path.empty()) {  // the built-in corpus
    choices["difficulty"] = arguments.corpus.planted.difficulty;
    choices["corpus_seed"] = arguments.corpus.planted.seed;
  }
  if (!plan.corpus.checksum.empty()) choices["data_checksum"] = plan.corpus.checksum;
  if (plan.corpus.synthetic) choices["synthetic"] = true;
  nlohmann::json sizes;
  for (const SplitName name : kSplitNames) {
    const Split& split = plan.corpus.dataset.split(name);
    sizes[std::string(to_string(name))] = {{"negative", split.size() - split.positives()},
                                           {"positive", split.positives()},
                                           {"tokens", split.token_ids.size()}};
  }
  return {{"choices", std::move(choices)},
          {"data",
           {{"vocabulary", plan.model.vocabulary},
            {"splits", std::move(sizes)},
            {"words_with_vectors", plan.vectors_found}}},
          {"device", device.description()},
          {"threads", device.get().threads}};
}

std::string run_name(const Plan& plan, uint64_t seed) {
  return fmt::format("{}-{}-{}-seed{}", plan.corpus.dataset.name, to_string(plan.model.encoder),
                     to_string(plan.model.attention), seed);
}

void print_result(const RunFolder& folder, const RunResult& result) {
  const Classification& test = result.split[static_cast<size_t>(SplitName::test)];
  fmt::print("{}: epoch {} by {} ROC-AUC; test F1 {:.3f}, ROC-AUC {:.3f}, accuracy {:.3f}, average precision {:.3f}\n",
             folder.path().string(), result.epoch, result.selected_on, test.f1, test.roc_auc, test.accuracy,
             test.average_precision);
}

/// What must be equal for two runs to be the same: the choices, and the sizes of the data they led to.
nlohmann::json identity(const nlohmann::json& config) {
  nlohmann::json result = config.value("choices", nlohmann::json::object());
  result["sizes"] = config.value("data", nlohmann::json());
  return result;
}

/// True when the folder holds this very run, finished. Throws InputError when it holds another one, or an unfinished
/// one that the user has not asked to resume.
bool already_done(const RunFolder& folder, const nlohmann::json& config, bool resume) {
  const RunState state = folder.state();
  if (state == RunState::absent || state == RunState::unfinished) return false;
  const auto differences = differing_choices(identity(folder.config()), identity(config));
  if (!differences.empty()) {
    throw InputError(fmt::format("{} holds a run with other choices ({}); give another --runs folder or remove it",
                                 folder.path().string(), fmt::join(differences, ", ")));
  }
  if (state == RunState::resumable && !resume) {
    throw InputError(fmt::format("{} holds an unfinished run; add --resume to continue it, or remove the folder",
                                 folder.path().string()));
  }
  return state == RunState::finished;
}

/// The job of one seed, without its writer, or null when its run is finished already. Touches nothing on the disk.
std::unique_ptr<Job> make_job(const TrainArguments& arguments, const Plan& plan, uint64_t seed, int threads) {
  auto job = std::make_unique<Job>(seed, RunFolder(arguments.runs, run_name(plan, seed)));
  job->device = std::make_unique<OpenDevice>(arguments.device, threads);
  nlohmann::json config = config_of(arguments, plan, seed, *job->device);
  if (already_done(job->folder, config, arguments.resume)) {
    fmt::print("already finished: ");
    print_result(job->folder, job->folder.result());
    return nullptr;
  }
  const ParameterLayout layout(plan.model);
  TrainingRequest& request = job->request;
  request.dataset = &plan.corpus.dataset;
  request.model = plan.model;
  request.training = plan.training;
  request.training.seed = seed;
  request.initial_parameters = arguments.init.empty() ? initial_parameters(layout, seed, plan.embedding)
                                                      : load_parameters(layout, arguments.init);
  request.config = std::move(config);
  request.resume = arguments.resume;
  if (arguments.profile) request.profile = &job->profile;
  return job;
}

/// Runs the jobs side by side, each on a thread of its own; rethrows the first failure after all have ended.
void run_fleet(const std::vector<std::unique_ptr<Job>>& jobs, int32_t epochs) {
  std::vector<std::string> names;
  for (const auto& job : jobs) names.push_back(fmt::format("seed {}", job->seed));
  {
    ProgressDisplay display(names, epochs);
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < jobs.size(); ++i) {
      threads.emplace_back([&job = *jobs[i], &monitor = display.monitor(i)] {
        try {
          job.result = train(job.device->get(), job.request, *job.writer, monitor);
        } catch (...) {
          job.error = std::current_exception();
        }
      });
    }
  }
  for (const auto& job : jobs) {
    if (job->result) print_result(job->folder, *job->result);
    if (job->request.profile != nullptr) fmt::print("{}", job->profile.format());
  }
  for (const auto& job : jobs) {
    if (job->error) std::rethrow_exception(job->error);
  }
}

/// Resident memory of this process now, in bytes.
int64_t resident_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::strtoll(line.c_str() + 6, nullptr, 10) * 1024;
  }
  return 0;
}

/// Takes one step with the smallest model, so that the libraries' code and what they build at run time (7 MiB with
/// oneDNN) is resident.
void warm_up(const Device& device, ModelOptions options) {
  options.vocabulary = kFirstWordId + 1;
  options.embed = options.hidden = 8;
  const Split split{.token_ids = {kStartId, kFirstWordId, kEndId}, .offsets = {0, 3}, .labels = {1}, .rows = {1}};
  const BatchCapacity capacity{.sequences = 1, .tokens = 3, .unique = 3};
  AttentionClassifier model(device, options, {.evaluation = capacity, .training = capacity, .steps = 1});
  model.allocate();
  model.set_parameters(initial_parameters(model.layout(), 1, {}));
  model.compute_gradients(assemble_batch(split, {0}, options.vocabulary), {});
  model.apply_gradients();
}

void explain(const TrainArguments& arguments, const Plan& plan, int threads) {
  const OpenDevice device(arguments.device, threads);
  warm_up(device.get(), plan.model);
  const AttentionClassifier model(device.get(), plan.model, training_plan(plan.corpus.dataset, plan.training),
                                  plan.training.optimiser);
  std::vector<MemoryRow> rows = model.memory_table();
  const int64_t resident = resident_bytes();
  rows.push_back({"host", "program, libraries, data set and vectors, now", {}, resident});
  for (MemoryRow& row : host_memory(model.layout())) rows.push_back(std::move(row));
  fmt::print("One model of this run on {}:\n{}", device.description(), format_memory_table(rows));
  fmt::print("\nParameters (offsets in floats):\n");
  for (const Parameter& p : model.layout().parameters()) {
    fmt::print("  {:<40} [{}]  at {}\n", p.name, fmt::join(p.shape, ", "), p.offset);
  }
}

void describe(const Plan& plan) {
  for (const SplitName name : kSplitNames) {
    const Split& split = plan.corpus.dataset.split(name);
    fmt::print("{}{} {} + {}", name == SplitName::train ? plan.corpus.dataset.name + ": " : ", ", to_string(name),
               split.size() - split.positives(), split.positives());
  }
  fmt::print(" texts (negative + positive), vocabulary {}", plan.model.vocabulary);
  fmt::print("{}\n", plan.embedding.empty() ? std::string(", random embeddings")
                                            : fmt::format(", {} words with vectors", plan.vectors_found));
  if (plan.corpus.synthetic) fmt::print("note: SYNTHETIC texts; nothing measured here is about the real data\n");
  if (plan.training.select == SplitName::test) {
    fmt::print(
        "note: the epoch is chosen on the test split, as in the published numbers; this leaks, --select dev does "
        "not\n");
  }
  std::fflush(stdout);
}

void check_seeds(std::vector<uint64_t> seeds) {
  std::sort(seeds.begin(), seeds.end());
  const auto twice = std::adjacent_find(seeds.begin(), seeds.end());
  if (twice != seeds.end()) throw InputError(fmt::format("--seed {} is given twice; give every seed once", *twice));
}

void train_command(const TrainArguments& arguments) {
  check_seeds(arguments.seeds);
  const int threads = arguments.threads > 0 ? arguments.threads : available_threads();
  const Plan plan = make_plan(arguments);
  if (arguments.explain) return explain(arguments, plan, threads);
  describe(plan);
  std::vector<std::unique_ptr<Job>> jobs;
  const int share = std::max(1, threads / static_cast<int>(arguments.seeds.size()));
  for (const uint64_t seed : arguments.seeds) {
    if (auto job = make_job(arguments, plan, seed, share)) jobs.push_back(std::move(job));
  }
  // Only now, when nothing in the arguments can be wrong any more.
  for (const auto& job : jobs) job->writer = std::make_unique<RunWriter>(job->folder);
  if (!jobs.empty()) run_fleet(jobs, plan.training.epochs);
}

void add_data_options(CLI::App& command, TrainArguments& a) {
  command
      .add_option(
          "--dataset", a.corpus.dataset,
          "A folder that notnot prepare wrote, or its name in $NOTNOT_DATA/prepared; planted; sst; or a CSV, TSV "
          "or JSON lines file with text, label and split")
      ->required();
  command.add_option("--min-df", a.corpus.min_df, "Texts a word must occur in to be in the vocabulary (default 1)")
      ->check(CLI::Range(1, kMost));
  command
      .add_option("--min-length", a.corpus.min_length,
                  "Keep texts with more words than this (default: sst 5, else no filter)")
      ->check(CLI::Range(0, kMost));
  command
      .add_option("--max-length", a.corpus.max_length,
                  "Keep texts with fewer words than this (default: sst the longest of each split, else no filter)")
      ->check(CLI::Range(1, kMost));
  command
      .add_option("--difficulty", a.corpus.planted.difficulty,
                  "planted: share of the texts whose evidence is contradicted by less evidence for the other class")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command
      .add_option("--corpus-seed", a.corpus.planted.seed, "planted: seed of the texts; --seed leaves them as they are")
      ->capture_default_str();
  command.add_option(
      "--vectors", a.vectors,
      "Word vectors in fastText's or GloVe's text format, or word2vec's binary one (default: those of the "
      "prepared data set, else random N(0, 1), 300 wide)");
}

void add_model_options(CLI::App& command, TrainArguments& a) {
  command.add_option("--encoder", a.encoder, "lstm: bidirectional LSTM; tokens: one affine layer per token")
      ->check(CLI::IsMember({"lstm", "tokens"}))
      ->capture_default_str();
  command.add_option("--attention", a.attention, "learned, or uniform over the words")
      ->check(CLI::IsMember({"learned", "uniform"}))
      ->capture_default_str();
  command.add_option("--hidden", a.hidden, "Hidden units per direction")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command.add_option("--init", a.init, "Start from the parameters of this safetensors file (the authors' names)")
      ->excludes("--vectors");
}

void add_training_options(CLI::App& command, TrainArguments& a) {
  command.add_option("--seed", a.seeds, "Seed; several, with commas, train side by side as a fleet")
      ->delimiter(',')
      ->check(valid_seed())
      ->capture_default_str();
  command.add_option("--epochs", a.epochs, "Epochs")->check(CLI::Range(1, 100000))->capture_default_str();
  command.add_option("--batch", a.batch, "Texts per batch")->check(CLI::Range(1, 65536))->capture_default_str();
  command.add_option("--select", a.select, "Split whose ROC-AUC chooses the epoch")
      ->check(CLI::IsMember({"dev", "test"}))
      ->capture_default_str();
  command.add_option("--device", a.device, "auto, cpu, cuda or cuda:<number>")->capture_default_str();
  command
      .add_option("--threads", a.threads,
                  "CPU threads (default: all that this process may use); results do not depend on it")
      ->check(CLI::Range(1, 1024));
  command.add_option("--runs", a.runs, "Folder for run folders")->capture_default_str();
  command.add_flag("--resume", a.resume, "Continue an unfinished run where its checkpoint stands");
  command.add_flag("--explain", a.explain, "Print the memory this would take, and stop");
  command.add_flag("--profile", a.profile, "Time every operation and print its share");
}

}  // namespace

void add_train_command(CLI::App& app) {
  auto arguments = std::make_shared<TrainArguments>();
  CLI::App* command = app.add_subcommand("train", "Train a classifier and write a run folder");
  add_data_options(*command, *arguments);
  add_model_options(*command, *arguments);
  add_training_options(*command, *arguments);
  command->callback([arguments] { train_command(*arguments); });
}

}  // namespace notnot
