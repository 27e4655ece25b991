#include "experiments/study/inputs.h"

#include <fmt/format.h>

#include <cstdio>

#include "engine/corpora/planted_ablation.h"
#include "engine/data/prepared.h"
#include "engine/data/vector_coverage.h"
#include "engine/data/word_vectors.h"
#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "engine/io/warning.h"
#include "engine/math/divergence.h"
#include "experiments/terminal/show.h"

namespace notnot {
namespace {

/// The width of the paper's word vectors.
constexpr int32_t kEmbedWithoutVectors = 300;

void check_precision(const Settings& settings, const OpenDevice& device) {
  if (settings.lstm_precision() == Precision::fp32) return;
  if (settings.hidden != kBf16x3Hidden) {
    throw InputError(fmt::format("--precision bf16x3 needs --hidden {}, not {}; leave one of the two out",
                                 kBf16x3Hidden, settings.hidden));
  }
  if (device.get().backend != Backend::cuda) {
    throw InputError(
        fmt::format("--precision bf16x3 needs a CUDA device, this is {}; leave it out, or give --device cuda",
                    device.description()));
  }
}

void check_selection(const Inputs& inputs) {
  const SplitName name = inputs.settings.selection();
  const Split& split = inputs.corpus.dataset.split(name);
  if (split.positives() > 0 && split.positives() < split.size()) return;
  throw InputError(fmt::format(
      "{}: all {} texts of the {} split have label {}, so its ROC-AUC cannot choose the epoch; give --select test, or "
      "texts of the other class",
      inputs.name(), split.size(), to_string(name), split.positives() > 0 ? 1 : 0));
}

/// The word vectors of --vectors, otherwise those of a prepared data set. With --init there are none.
std::optional<WordVectors> word_vectors(const Settings& settings, const Corpus& corpus) {
  if (!settings.vectors.empty()) return load_word_vectors(settings.vectors, corpus.dataset.vocabulary);
  return settings.init.empty() && corpus.prepared ? corpus.prepared->vectors() : std::nullopt;
}

InputPaths paths_of(const Inputs& inputs) {
  InputPaths paths{.data = inputs.corpus.path.string(),
                   .vectors = inputs.settings.vectors,
                   .init = inputs.settings.init,
                   .attention = {}};
  const bool attached = paths.vectors.empty() && !inputs.embedding.empty();
  if (attached) paths.vectors = (inputs.corpus.path / "vectors.safetensors").string();
  return paths;
}

DataChoices data_choices(const Inputs& inputs) {
  const Corpus& corpus = inputs.corpus;
  DataChoices data{.dataset = inputs.name(),
                   .corpus = corpus.reader,
                   .options = corpus.options,
                   .checksum = corpus.checksum,
                   .synthetic = corpus.synthetic(),
                   .planted = {}};
  if (corpus.reader == kPlantedReader) data.planted = inputs.settings.corpus.planted;
  data.tokenise = corpus.tokenise;
  return data;
}

/// What the user should know about the word vectors of --vectors.
std::vector<std::string> warnings_about(const WordVectors& vectors, const Inputs& inputs) {
  if (inputs.settings.vectors.empty()) return {};
  const Dataset& dataset = inputs.corpus.dataset;
  std::vector<int64_t> running(dataset.vocabulary.size());
  for (const int32_t id : dataset.split(SplitName::train).token_ids) ++running[id];
  return vector_warnings(dataset.vocabulary, running, vectors, inputs.settings.vectors);
}

/// The test texts of the built-in corpus without their evidence, and without as many other words.
AblatedTexts ablated_texts(const Inputs& inputs) {
  const auto without = [&inputs, &dataset = inputs.corpus.dataset](Ablated what) {
    return ablate(inputs.settings.corpus.planted, dataset.vocabulary, dataset.split(SplitName::test), what);
  };
  return {.without_evidence = without(Ablated::evidence), .without_others = without(Ablated::others)};
}

/// How the built-in corpus differs from its defaults, if it does.
void describe_planted(const PlantedOptions& options) {
  const std::string variant = variant_in_words(options);
  if (!variant.empty()) show("note: the planted corpus with {}\n", variant);
  if (options.label_noise == 0) return;
  show("note: {:g} % of its labels are turned over; the rule itself has an expected F1 of {:g} (Bayes F1)\n",
       100 * options.label_noise, options.bayes_f1());
}

SplitSizes sizes_of(const Split& split) {
  return {.negative = split.size() - split.positives(),
          .positive = split.positives(),
          .tokens = static_cast<int64_t>(split.token_ids.size())};
}

/// A warning if no run lies around `init` that says of which words its embeddings are. Throws InputError if they are of
/// other words than `vocabulary`, or the run's files are damaged.
std::vector<std::string> check_same_words(const std::filesystem::path& init, const Vocabulary& vocabulary) {
  const std::filesystem::path file = std::filesystem::weakly_canonical(init);  // the run's model may be linked
  const RunFolder run(file.parent_path());
  std::error_code ignored;
  const bool is_words = std::filesystem::exists(run.vocabulary_path(), ignored);
  if (!is_words && run.state() != RunState::finished) {
    return {fmt::format(
        "{} does not lie in the folder of its run, whose vocabulary.txt says of which words the embeddings are; only "
        "their number was compared with the data set's: make sure that they are the same words",
        init.string())};
  }
  for (const auto& read : {file, run.vocabulary_path()}) (void)run.intact(read);
  const std::string words = vocabulary.serialize();
  if (FileReader(run.vocabulary_path()).size() == words.size() && read_file(run.vocabulary_path()) == words) return {};
  throw InputError(
      fmt::format("{} has the embeddings of other words than the data set ({}); give the model of a run on the same "
                  "texts with --init",
                  init.string(), run.vocabulary_path().string()));
}

/// `common` with the choices of the run.
Settings settings_of(const RunConfig& config, Settings settings) {
  const TrainingOptions& training = config.training;
  settings.vectors = config.paths.vectors;
  settings.init = config.paths.init;
  settings.hidden = config.hidden;
  settings.batch = training.batch_size;
  settings.precision = to_string(config.precision);
  settings.select = to_string(training.select);
  settings.patience = training.patience;
  settings.tvd = training.tvd_factor == kTvdSingle ? "single" : "two-class";
  (training.objective == Objective::adversary ? settings.adversary_epochs : settings.epochs) = training.epochs;
  return settings;
}

/// What loads the texts of the run again. `dataset`: where they lie now, as users name data sets; empty: where they lay.
CorpusRequest request_for(const RunFolder& run, const RunConfig& config, const std::string& dataset) {
  if (config.data.corpus == kPlantedReader) {
    return {.dataset = kPlantedReader, .planted = config.data.planted.value_or(PlantedOptions{})};
  }
  std::error_code ignored;
  const std::filesystem::path lay = config.paths.data;
  CorpusRequest request{.dataset = dataset};
  const bool is_prepared = find_prepared(dataset.empty() ? lay.string() : dataset).has_value();
  if (dataset.empty() && !std::filesystem::exists(lay, ignored)) {
    throw InputError(fmt::format(
        "{}: its texts are no longer at {}; say with --dataset where they are now (a pipe leaves nothing behind: keep "
        "its texts in a file)",
        run.path().string(), lay.string()));
  }
  // A bare name would be looked up as that of a data set, and the files of SST have none of their own.
  if (dataset.empty()) request.dataset = (lay.has_parent_path() ? lay : "." / lay).string();
  if (is_prepared) return request;
  if (dataset.empty() && config.data.corpus == "sst") request.dataset = "sst";
  const DatasetOptions& options = config.data.options;
  request.min_df = options.min_df;
  // A bound of -1 is the split's own, which only the defaults of a published corpus have.
  if (options.filter_by_length && options.min_length >= 0) request.min_length = options.min_length;
  if (options.filter_by_length && options.max_length >= 0) request.max_length = options.max_length;
  return request;
}

}  // namespace

ModelOptions Inputs::model(const RunSpec& spec) const {
  const Encoder encoder = encoder_of(spec);
  // An attribution computes on any device.
  const bool any_precision = encoder == Encoder::lstm && spec.kind != RunKind::attribution;
  return {.encoder = encoder,
          .attention = attention_of(spec),
          .vocabulary = corpus.dataset.vocabulary.size(),
          .embed = embed,
          .hidden = settings.hidden,
          .precision = any_precision ? settings.lstm_precision() : Precision::fp32};
}

TrainingOptions Inputs::training(const RunSpec& spec) const {
  if (spec.kind == RunKind::attribution) return training(parse_run_name(name(), spec.other).value());
  const bool adversary = is_adversary(spec.kind);
  return {.seed = spec.seed,
          .epochs = adversary ? settings.adversary_epochs : settings.epochs,
          .batch_size = settings.batch,
          .select = settings.selection(),
          .objective = adversary ? Objective::adversary : Objective::classify,
          .tvd_factor = settings.tvd == "single" ? kTvdSingle : kTvdTwoClass,
          .lambda = spec.lambda,
          .patience = settings.patience,
          .optimiser = {}};
}

RunConfig Inputs::config(const RunSpec& spec) const {
  const ModelOptions options = model(spec);
  RunConfig config{.data = data_choices(*this),
                   .spec = spec,
                   .embed = embed,
                   .hidden = settings.hidden,
                   .precision = options.precision,
                   .vectors_checksum = vectors_checksum,
                   .init_checksum = init_checksum,
                   .training = training(spec),
                   .other_checksum = {},
                   .paths = paths_of(*this),
                   .confidential = corpus.confidential(),
                   .vocabulary = options.vocabulary,
                   .texts = {},
                   .words_with_vectors = vectors_found,
                   .devices = {},
                   .version = {},
                   .commit = {}};
  for (const SplitName split : kSplitNames) config.texts[split] = sizes_of(corpus.dataset.split(split));
  if (is_external(spec)) {
    config.importance = guide->importance;
    config.paths.attention = guide->file.string();
  }
  return config;
}

std::vector<float> Inputs::initial_parameters(const RunSpec& spec) const {
  const ParameterLayout layout(model(spec));
  if (!init) return notnot::initial_parameters(layout, initial_seed(spec), embedding);
  std::vector<float> parameters = load_parameters(layout, *init);
  check_finite(layout, parameters, settings.init);
  if (init->checksum() != init_checksum) {
    throw InputError(
        fmt::format("{} was changed while the program ran; start again, and keep the file as it is until all models "
                    "have started",
                    settings.init));
  }
  return parameters;
}

Inputs load_inputs(const Settings& settings) {
  check_precision(settings, OpenDevice(settings.device, 1));
  Inputs inputs{.settings = settings, .corpus = load_corpus(settings.corpus), .embedding = {}};
  inputs.embed = kEmbedWithoutVectors;
  if (std::optional<WordVectors> vectors = word_vectors(settings, inputs.corpus)) {
    for (std::string& warning : warnings_about(*vectors, inputs)) inputs.corpus.warnings.push_back(std::move(warning));
    inputs.embed = vectors->width;
    inputs.embedding = std::move(vectors->rows);
    inputs.vectors_found = vectors->found;
    inputs.vectors_checksum = std::move(vectors->checksum);
  } else if (!settings.init.empty()) {
    inputs.init = Safetensors::read(settings.init);
    inputs.init_checksum = inputs.init->checksum();
    for (std::string& warning : check_same_words(settings.init, inputs.corpus.dataset.vocabulary))
      inputs.corpus.warnings.push_back(std::move(warning));
    const std::vector<int64_t> shape = inputs.init->entry("encoder.embedding.weight").shape;
    if (shape.size() == 2 && shape[1] > 0 && shape[1] < 100000) inputs.embed = shape[1];
  }
  check_selection(inputs);
  if (inputs.corpus.reader == kPlantedReader) inputs.ablated = ablated_texts(inputs);
  return inputs;
}

Inputs load_inputs_of(const RunFolder& run, const std::string& dataset, const Settings& common) {
  const RunConfig config = read_run_config(run);
  Settings settings = settings_of(config, common);
  settings.runs = run.path().parent_path().string();
  settings.corpus = request_for(run, config, dataset);
  Inputs inputs{.settings = settings, .corpus = load_corpus(settings.corpus), .embedding = {}};
  inputs.corpus.dataset.name = config.data.dataset;
  inputs.embed = config.embed;
  inputs.vectors_found = config.words_with_vectors;
  inputs.vectors_checksum = config.vectors_checksum;
  inputs.init_checksum = config.init_checksum;
  const std::vector<std::string> keys = differing_choices(config, inputs.config(config.spec));
  if (keys.empty()) return inputs;
  throw InputError(fmt::format("{} was not trained on {} as it is now ({}); give the data of that run with --dataset",
                               run.path().string(), inputs.settings.corpus.dataset, in_words(keys)));
}

std::vector<std::filesystem::path> paths_read(const Inputs& inputs) {
  std::vector<std::filesystem::path> paths = {inputs.corpus.path, inputs.settings.vectors, inputs.settings.init};
  if (inputs.guide) paths.push_back(inputs.guide->file);
  std::erase(paths, std::filesystem::path());
  return paths;
}

void check_apart(const Inputs& inputs, const RunFolder& folder) {
  for (const std::filesystem::path& input : paths_read(inputs)) {
    if (!is_within(input, folder.path())) continue;
    throw InputError(
        fmt::format("{} is read by the run that would be written to {}; give another folder with --runs, "
                    "or a copy of the file",
                    input.string(), folder.path().string()));
  }
}

void describe_caveats(const Inputs& inputs) {
  if (inputs.corpus.synthetic()) show("note: SYNTHETIC texts; nothing measured here is about the real data\n");
  if (inputs.corpus.confidential()) {
    show("note: CONFIDENTIAL texts; the run folders hold their words, and only you can read them: do not share them\n");
  }
}

void describe(const Inputs& inputs) {
  for (const SplitName name : kSplitNames) {
    const SplitSizes sizes = sizes_of(inputs.corpus.dataset.split(name));
    show("{}{} {} + {}", name == SplitName::train ? inputs.name() + ": " : ", ", to_string(name), sizes.negative,
         sizes.positive);
  }
  show(" texts (negative + positive), vocabulary {}", inputs.corpus.dataset.vocabulary.size());
  show("{}\n", inputs.embedding.empty() ? std::string(", random embeddings")
                                        : fmt::format(", {} words with vectors", inputs.vectors_found));
  if (inputs.corpus.reader == kPlantedReader) describe_planted(inputs.settings.corpus.planted);
  describe_caveats(inputs);
  if (inputs.settings.selection() == SplitName::test) {
    show(
        "note: the epoch is chosen on the test split, as in the published numbers; this leaks, --select dev does "
        "not\n");
  }
  std::fflush(stdout);
  for (const std::string& warning : inputs.corpus.warnings) warn(warning);
}

}  // namespace notnot
