#include "experiments/study/setup.h"

#include <fmt/format.h>

#include <cstdio>
#include <limits>
#include <optional>

#include "engine/data/prepared.h"
#include "engine/data/word_vectors.h"
#include "engine/io/input_error.h"
#include "engine/math/statistics.h"

namespace notnot {
namespace {

constexpr int32_t kEmbedWithoutVectors = 300;  // the width of the vectors that the paper used
constexpr int32_t kMost = std::numeric_limits<int32_t>::max();

SplitName selection(const SetupArguments& arguments) {
  return arguments.select == "test" ? SplitName::test : SplitName::dev;
}

Precision precision(const SetupArguments& arguments) {
  return arguments.precision == to_string(Precision::bf16x3) ? Precision::bf16x3 : Precision::fp32;
}

void check_precision(const SetupArguments& arguments, const OpenDevice& device) {
  if (precision(arguments) == Precision::fp32) return;
  if (arguments.hidden != kBf16x3Hidden) {
    throw InputError(fmt::format("--precision bf16x3 needs --hidden {}, not {}; leave one of the two out",
                                 kBf16x3Hidden, arguments.hidden));
  }
  if (device.get().backend != Backend::cuda) {
    throw InputError(
        fmt::format("--precision bf16x3 needs a CUDA device, this is {}; leave it out, or give --device cuda",
                    device.description()));
  }
}

void check_selection(const Setup& setup) {
  const SplitName name = selection(setup.arguments);
  const Split& split = setup.corpus.dataset.split(name);
  if (split.positives() > 0 && split.positives() < split.size()) return;
  throw InputError(fmt::format(
      "{}: all {} texts of the {} split have label {}, so its ROC-AUC cannot choose the epoch; give --select test, or "
      "texts of the other class",
      setup.name(), split.size(), to_string(name), split.positives() > 0 ? 1 : 0));
}

/// Those of --vectors, else those that a prepared data set brings; --init needs none.
std::optional<WordVectors> word_vectors(const SetupArguments& arguments, const Corpus& corpus) {
  if (!arguments.vectors.empty()) return load_word_vectors(arguments.vectors, corpus.dataset.vocabulary);
  if (!arguments.init.empty() || corpus.checksum.empty()) return std::nullopt;
  return PreparedFolder(corpus.path).vectors();
}

/// Where the word vectors come from; empty for none.
std::string vectors_file(const Setup& setup) {
  const bool attached = setup.arguments.vectors.empty() && !setup.embedding.empty();
  return attached ? (setup.corpus.path / "vectors.safetensors").string() : setup.arguments.vectors;
}

nlohmann::json sizes_of(const Dataset& dataset) {
  nlohmann::json sizes;
  for (const SplitName name : kSplitNames) {
    const Split& split = dataset.split(name);
    sizes[std::string(to_string(name))] = {{"negative", split.size() - split.positives()},
                                           {"positive", split.positives()},
                                           {"tokens", split.token_ids.size()}};
  }
  return sizes;
}

/// The choices that say which texts.
nlohmann::json data_choices(const Setup& setup) {
  const DatasetOptions& options = setup.corpus.options;
  const auto bound = [&](int32_t length) {
    return options.filter_by_length ? nlohmann::json(length) : nlohmann::json();
  };
  nlohmann::json choices = {{"dataset", setup.name()},
                            {"data", setup.corpus.path.string()},
                            {"min_df", options.min_df},
                            {"length_filter", options.filter_by_length},
                            {"min_length", bound(options.min_length)},
                            {"max_length", bound(options.max_length)}};
  if (setup.corpus.path.empty()) {  // the built-in corpus
    choices["difficulty"] = setup.arguments.corpus.planted.difficulty;
    choices["corpus_seed"] = setup.arguments.corpus.planted.seed;
  }
  if (!setup.corpus.checksum.empty()) choices["data_checksum"] = setup.corpus.checksum;
  if (setup.corpus.synthetic) choices["synthetic"] = true;
  return choices;
}

nlohmann::json training_choices(const TrainingOptions& training) {
  const OptimiserOptions& optimiser = training.optimiser;
  nlohmann::json choices = {{"epochs", training.epochs},
                            {"batch", training.batch_size},
                            {"learning_rate", optimiser.learning_rate},
                            {"beta1", optimiser.beta1},
                            {"beta2", optimiser.beta2},
                            {"epsilon", optimiser.epsilon},
                            {"weight_decay", optimiser.weight_decay}};
  if (training.objective == Objective::adversary) {
    choices.update({{"tvd_factor", training.tvd_factor}, {"patience", training.patience}});
  } else {
    choices["select"] = to_string(training.select);
  }
  return choices;
}

}  // namespace

ModelOptions Setup::model(const RunSpec& spec) const {
  const bool tokens =
      spec.kind == RunKind::trained_mlp || spec.kind == RunKind::uniform_mlp || spec.kind == RunKind::guided_mlp;
  const bool uniform = spec.kind == RunKind::uniform || spec.kind == RunKind::uniform_mlp;
  return {.encoder = tokens ? Encoder::tokens : Encoder::lstm,
          .attention = uniform                            ? AttentionKind::uniform
                       : spec.kind == RunKind::guided_mlp ? AttentionKind::given
                                                          : AttentionKind::learned,
          .vocabulary = corpus.dataset.vocabulary.size(),
          .embed = embed,
          .hidden = arguments.hidden,
          .precision = tokens ? Precision::fp32 : precision(arguments)};
}

TrainingOptions Setup::training(const RunSpec& spec) const {
  const bool adversary = spec.kind == RunKind::adversary;
  return {.seed = spec.seed,
          .epochs = adversary ? arguments.adversary_epochs : arguments.epochs,
          .batch_size = arguments.batch,
          .select = selection(arguments),
          .objective = adversary ? Objective::adversary : Objective::classify,
          .tvd_factor = arguments.tvd == "single" ? kTvdSingle : kTvdTwoClass,
          .lambda = spec.lambda,
          .patience = arguments.patience,
          .optimiser = {}};
}

nlohmann::json Setup::config(const RunSpec& spec) const {
  nlohmann::json choices = data_choices(*this);
  choices.update(choices_of(spec));
  choices.update(
      {{"embed", embed}, {"hidden", arguments.hidden}, {"vectors", vectors_file(*this)}, {"init", arguments.init}});
  choices.update(training_choices(training(spec)));
  // fp32 goes without saying, as in the folders of versions that had no other.
  if (const Precision other = model(spec).precision; other != Precision::fp32) choices["precision"] = to_string(other);
  return {{"choices", std::move(choices)},
          {"data",
           {{"vocabulary", corpus.dataset.vocabulary.size()},
            {"splits", sizes_of(corpus.dataset)},
            {"words_with_vectors", vectors_found}}}};
}

std::vector<float> Setup::initial_parameters(const RunSpec& spec) const {
  const ParameterLayout layout(model(spec));
  return arguments.init.empty() ? notnot::initial_parameters(layout, spec.seed, embedding)
                                : load_parameters(layout, arguments.init);
}

Setup make_setup(const SetupArguments& arguments) {
  check_precision(arguments, OpenDevice(arguments.device, 1));
  Setup setup{.arguments = arguments, .corpus = load_corpus(arguments.corpus), .embedding = {}};
  setup.embed = kEmbedWithoutVectors;
  if (std::optional<WordVectors> vectors = word_vectors(arguments, setup.corpus)) {
    setup.embed = vectors->width;
    setup.embedding = std::move(vectors->rows);
    setup.vectors_found = vectors->found;
  } else if (!arguments.init.empty()) {
    const std::vector<int64_t> shape = Safetensors::read(arguments.init).entry("encoder.embedding.weight").shape;
    if (shape.size() == 2 && shape[1] > 0 && shape[1] < 100000) setup.embed = static_cast<int32_t>(shape[1]);
  }
  check_selection(setup);
  return setup;
}

void describe(const Setup& setup) {
  for (const SplitName name : kSplitNames) {
    const Split& split = setup.corpus.dataset.split(name);
    fmt::print("{}{} {} + {}", name == SplitName::train ? setup.name() + ": " : ", ", to_string(name),
               split.size() - split.positives(), split.positives());
  }
  fmt::print(" texts (negative + positive), vocabulary {}", setup.corpus.dataset.vocabulary.size());
  fmt::print("{}\n", setup.embedding.empty() ? std::string(", random embeddings")
                                             : fmt::format(", {} words with vectors", setup.vectors_found));
  if (setup.corpus.synthetic) fmt::print("note: SYNTHETIC texts; nothing measured here is about the real data\n");
  if (selection(setup.arguments) == SplitName::test) {
    fmt::print(
        "note: the epoch is chosen on the test split, as in the published numbers; this leaks, --select dev does "
        "not\n");
  }
  std::fflush(stdout);
}

void add_dataset_option(CLI::App& command, SetupArguments& a) {
  command
      .add_option(
          "--dataset", a.corpus.dataset,
          "A folder that notnot prepare wrote, or its name in $NOTNOT_DATA/prepared; planted; sst; or a CSV, TSV "
          "or JSON lines file with text, label and split")
      ->required();
}

void add_data_options(CLI::App& command, SetupArguments& a) {
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

void add_training_options(CLI::App& command, SetupArguments& a) {
  command.add_option("--hidden", a.hidden, "Hidden units per direction")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command.add_option("--epochs", a.epochs, "Epochs")->check(CLI::Range(1, 100000))->capture_default_str();
  command.add_option("--batch", a.batch, "Texts per batch")->check(CLI::Range(1, 65536))->capture_default_str();
  command.add_option("--select", a.select, "Split whose ROC-AUC chooses the epoch")
      ->check(CLI::IsMember({"dev", "test"}))
      ->capture_default_str();
  command.add_option("--device", a.device, "auto, cpu, cuda or cuda:<number>")->capture_default_str();
  command
      .add_option(
          "--precision", a.precision,
          "Of the LSTM's recurrence: fp32, or bf16x3, on the tensor cores of a CUDA device that many models share")
      ->check(CLI::IsMember({"fp32", "bf16x3"}))
      ->capture_default_str();
  command
      .add_option("--threads", a.threads,
                  "CPU threads (default: all that this process may use); results do not depend on it")
      ->check(CLI::Range(1, 1024));
  command.add_option("--runs", a.runs, "Folder for run folders")->capture_default_str();
}

}  // namespace notnot
