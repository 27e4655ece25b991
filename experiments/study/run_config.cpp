#include "experiments/study/run_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/corpora/corpus.h"
#include "engine/corpora/published.h"
#include "engine/data/word_vectors.h"
#include "engine/io/input_error.h"
#include "engine/io/text.h"
#include "engine/io/version.h"

namespace notnot {
namespace {

using Json = nlohmann::json;

constexpr int64_t kLargestHidden = 4096;  // as on the command line

// --- writing ---------------------------------------------------------------------------------------------------------

void add_unless_empty(Json& object, const char* key, const std::string& value) {
  if (!value.empty()) object[key] = value;
}

/// The keys of planted_choices.
constexpr std::array kPlantedKeys = {"difficulty", "corpus_seed", "evidence",  "evidence_weights",
                                     "spurious",   "label_noise", "min_words", "max_words"};

/// Earlier versions had no other options than the first two, and wrote no others. Neither does this one where they have
/// their defaults.
Json planted_choices(const PlantedOptions& options) {
  const PlantedOptions plain;
  Json choices = {{"difficulty", options.difficulty}, {"corpus_seed", options.seed}};
  if (options.evidence != plain.evidence) choices["evidence"] = to_string(options.evidence);
  if (options.weights != plain.weights) choices["evidence_weights"] = options.weights;
  if (options.spurious != plain.spurious) choices["spurious"] = options.spurious;
  if (options.label_noise != plain.label_noise) choices["label_noise"] = options.label_noise;
  if (options.min_length != plain.min_length) choices["min_words"] = options.min_length;
  if (options.max_length != plain.max_length) choices["max_words"] = options.max_length;
  return choices;
}

Json data_choices(const DataChoices& data) {
  const DatasetOptions& options = data.options;
  const auto bound = [&](int32_t length) { return options.filter_by_length ? Json(length) : Json(); };
  Json choices = {{"dataset", data.dataset},
                  {"corpus", data.corpus},
                  {"min_df", options.min_df},
                  {"length_filter", options.filter_by_length},
                  {"min_length", bound(options.min_length)},
                  {"max_length", bound(options.max_length)}};
  if (data.planted) choices.update(planted_choices(*data.planted));
  add_unless_empty(choices, "data_checksum", data.checksum);
  if (data.synthetic) choices["synthetic"] = true;
  if (!data.tokenise.empty()) choices["tokenise"] = data.tokenise;
  return choices;
}

Json training_choices(const TrainingOptions& training) {
  const OptimiserOptions& optimiser = training.optimiser;
  Json choices = {{"epochs", training.epochs},
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

Json choices_of(const RunConfig& config) {
  Json choices = data_choices(config.data);
  choices.update(choices_of(config.spec));
  choices.update({{"embed", config.embed}, {"hidden", config.hidden}});
  choices.update(training_choices(config.training));
  // Earlier versions had no other precision than fp32 and did not write it; neither does this one.
  if (config.precision != Precision::fp32) choices["precision"] = to_string(config.precision);
  add_unless_empty(choices, "vectors_checksum", config.vectors_checksum);
  add_unless_empty(choices, "init_checksum", config.init_checksum);
  add_unless_empty(choices, "other_checksum", config.other_checksum);
  if (config.importance != Importance::weights) choices["importance"] = to_string(config.importance);
  return choices;
}

Json paths_of(const RunConfig& config) {
  Json paths = Json::object();
  add_unless_empty(paths, "data", config.paths.data);
  add_unless_empty(paths, "vectors", config.paths.vectors);
  add_unless_empty(paths, "init", config.paths.init);
  add_unless_empty(paths, "attention", config.paths.attention);
  return paths;
}

Json sizes_of(const RunConfig& config) {
  Json splits;
  for (const SplitName split : kSplitNames) {
    const SplitSizes& sizes = config.texts[split];
    splits[std::string(to_string(split))] = {
        {"negative", sizes.negative}, {"positive", sizes.positive}, {"tokens", sizes.tokens}};
  }
  return {{"vocabulary", config.vocabulary}, {"splits", splits}, {"words_with_vectors", config.words_with_vectors}};
}

// --- reading: the functions skip unknown keys; parse_run_config then compares the whole ------------------------------

/// Reads the value of `key`. Throws InputError, which names the key, where it is missing or of another type.
template <class T>
void read(const Json& object, const char* key, T& value) {
  const auto found = object.find(key);
  if (found == object.end()) throw InputError(fmt::format("`{}` is missing", key));
  try {
    found->get_to(value);
  } catch (const Json::exception&) {
    throw InputError(fmt::format("`{}` is {}, which is not of its type", key, in_quotes(found->dump())));
  }
}

/// The same for a whole number from `least` to `most`.
template <class T>
void read(const Json& object, const char* key, T& value, int64_t least, int64_t most = std::numeric_limits<T>::max()) {
  int64_t number = 0;
  read(object, key, number);
  if (number < least || number > most) {
    throw InputError(fmt::format("`{}` is {}, not from {} to {}", key, number, least, most));
  }
  value = static_cast<T>(number);
}

/// The same for a key that may be missing; `value` stays as it is then.
template <class T>
void read_if_there(const Json& object, const char* key, T& value) {
  if (object.contains(key)) read(object, key, value);
}

/// The value of `key`, an object.
const Json& member(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_object()) throw InputError(fmt::format("`{}` is no object", key));
  return *found;
}

PlantedOptions parse_planted(const Json& choices) {
  PlantedOptions options;
  std::string evidence(to_string(options.evidence));
  read(choices, "difficulty", options.difficulty);
  read(choices, "corpus_seed", options.seed);
  read_if_there(choices, "evidence", evidence);
  options.evidence = evidence_kind(evidence).value_or(options.evidence);
  read_if_there(choices, "evidence_weights", options.weights);
  read_if_there(choices, "spurious", options.spurious);
  read_if_there(choices, "label_noise", options.label_noise);
  read_if_there(choices, "min_words", options.min_length);
  read_if_there(choices, "max_words", options.max_length);
  check_planted_options(options);
  return options;
}

DataChoices parse_data(const Json& choices) {
  DataChoices data;
  read(choices, "dataset", data.dataset);
  read(choices, "corpus", data.corpus);
  read(choices, "min_df", data.options.min_df, 1);
  read(choices, "length_filter", data.options.filter_by_length);
  if (data.options.filter_by_length) {
    read(choices, "min_length", data.options.min_length);
    read(choices, "max_length", data.options.max_length);
  }
  if (choices.contains("difficulty")) data.planted = parse_planted(choices);
  read_if_there(choices, "data_checksum", data.checksum);
  read_if_there(choices, "synthetic", data.synthetic);
  read_if_there(choices, "tokenise", data.tokenise);
  return data;
}

TrainingOptions parse_training(const Json& choices, const RunSpec& spec) {
  TrainingOptions training;
  training.seed = spec.seed;
  training.lambda = spec.lambda;
  const RunKind trained = spec.kind == RunKind::attribution ? spec.model : spec.kind;
  training.objective = is_adversary(trained) ? Objective::adversary : Objective::classify;
  read(choices, "epochs", training.epochs, 1);
  read(choices, "batch", training.batch_size, 1);
  read(choices, "learning_rate", training.optimiser.learning_rate);
  read(choices, "beta1", training.optimiser.beta1);
  read(choices, "beta2", training.optimiser.beta2);
  read(choices, "epsilon", training.optimiser.epsilon);
  read(choices, "weight_decay", training.optimiser.weight_decay);
  if (training.objective == Objective::adversary) {
    read(choices, "tvd_factor", training.tvd_factor);
    read(choices, "patience", training.patience, 1);
  } else {
    std::string select;
    read(choices, "select", select);
    training.select = select == to_string(SplitName::dev) ? SplitName::dev : SplitName::test;
  }
  return training;
}

/// spec_of, whose errors do not name the key.
RunSpec parse_spec(const Json& choices) {
  std::string text;
  uint64_t seed = 0;
  double lambda = 0;
  bool perturbation = false;
  std::vector<std::string> splits;
  for (const char* key : {"encoder", "attention"}) read(choices, key, text);
  for (const char* key : {"objective", "other", "attribution"}) read_if_there(choices, key, text);
  read(choices, "seed", seed);
  read_if_there(choices, "perturbation", perturbation);
  if (choices.contains("attribution")) {
    read(choices, "splits", splits);
  } else if (choices.value("objective", "") == "adversary") {
    read(choices, "lambda", lambda);
  }
  if (choices.contains("side_by_side")) {
    int32_t members = 0, member = 0;
    read(choices, "side_by_side", members, 2, kMostSideBySide);
    read(choices, "member", member, 1, members);
  }
  return spec_of(choices);
}

void parse_choices(const Json& choices, RunConfig& config) {
  config.data = parse_data(choices);
  config.spec = parse_spec(choices);
  read(choices, "embed", config.embed, 1, kWidestVectors);
  read(choices, "hidden", config.hidden, 1, kLargestHidden);
  read_if_there(choices, "vectors_checksum", config.vectors_checksum);
  read_if_there(choices, "init_checksum", config.init_checksum);
  config.training = parse_training(choices, config.spec);
  std::string precision;
  read_if_there(choices, "precision", precision);
  if (precision == to_string(Precision::bf16x3)) config.precision = Precision::bf16x3;
  read_if_there(choices, "other_checksum", config.other_checksum);
  std::string importance;
  read_if_there(choices, "importance", importance);
  for (const Importance known : kImportances) {
    if (importance == to_string(known)) config.importance = known;
  }
}

void parse_paths(const Json& paths, InputPaths& result) {
  read_if_there(paths, "data", result.data);
  read_if_there(paths, "vectors", result.vectors);
  read_if_there(paths, "init", result.init);
  read_if_there(paths, "attention", result.attention);
}

/// A configuration of version 0.1.0 in today's form. The paths stood among the choices, and only a prepared folder had
/// a checksum, which was that of its dataset.json. Its reader is not known. A run on the built-in corpus has read no
/// file, but is none of today's either: the files of its results had another form.
void bring_up_to_date(Json& json) {
  Json& choices = json["choices"];
  Json paths = Json::object();
  for (const auto& [choice, path] :
       {std::pair{"data", "data"}, {"vectors", "vectors"}, {"init", "init"}, {"other_file", "attention"}}) {
    if (!choices.contains(choice)) continue;
    if (choices[choice] != "") paths[path] = choices[choice];
    choices.erase(choice);
  }
  choices["corpus"] = "";
  choices.erase("data_checksum");
  json["paths"] = std::move(paths);
  if (json.contains("device")) json["devices"] = Json::array({json["device"]});
  json.erase("device");
  json.erase("threads");
}

void parse_sizes(const Json& data, RunConfig& config) {
  read(data, "vocabulary", config.vocabulary, kFirstWordId);
  read(data, "words_with_vectors", config.words_with_vectors, 0);
  for (const SplitName split : kSplitNames) {
    const Json& sizes = member(member(data, "splits"), std::string(to_string(split)).c_str());
    read(sizes, "negative", config.texts[split].negative, 0);
    read(sizes, "positive", config.texts[split].positive, 0);
    read(sizes, "tokens", config.texts[split].tokens, 0);
  }
}

// --- comparing -------------------------------------------------------------------------------------------------------

/// Whether the two stand in a file in the same way: 8 and 8.0 do not, nor -1 and the largest unsigned number.
bool same_value(const Json& a, const Json& b) { return a.is_number() && b.is_number() ? a.dump() == b.dump() : a == b; }

/// Adds the keys in which `a` and `b` differ to `keys`, each behind `prefix`.
void add_differences(const Json& a, const Json& b, const std::string& prefix, std::vector<std::string>& keys) {
  if (!a.is_object() || !b.is_object()) {
    if (!same_value(a, b)) keys.push_back(prefix);
    return;
  }
  Json names = a;
  names.update(b);
  for (const auto& [name, unused] : names.items()) {
    const std::string key = prefix.empty() ? name : fmt::format("{}.{}", prefix, name);
    if (a.contains(name) && b.contains(name)) {
      add_differences(a[name], b[name], key, keys);
    } else {
      keys.push_back(key);
    }
  }
}

std::vector<std::string> differences(const Json& a, const Json& b) {
  std::vector<std::string> keys;
  add_differences(a, b, "", keys);
  return keys;
}

std::string program_in_words(std::string_view version, std::string_view commit) {
  return commit.empty() ? std::string(version) : fmt::format("{}, commit {}", version, commit);
}

Json identity(const RunConfig& config) {
  Json choices = choices_of(config);
  choices["sizes"] = sizes_of(config);
  return choices;
}

}  // namespace

Json to_json(const RunConfig& config) {
  Json json = {{"choices", choices_of(config)}, {"paths", paths_of(config)}, {"data", sizes_of(config)}};
  if (config.confidential) json["confidential"] = true;
  if (!config.devices.empty()) json["devices"] = config.devices;
  if (!config.cuda_connections.empty()) json["cuda_device_max_connections"] = config.cuda_connections;
  if (!config.version.empty() || !config.commit.empty()) {
    json["version"] = config.version;
    json["commit"] = config.commit;
  }
  if (!config.resumed_by.empty()) json["resumed_by"] = config.resumed_by;
  return json;
}

RunConfig parse_run_config(const Json& file) {
  Json json = file;
  RunConfig config;
  if (member(json, "choices").contains("data") && !json.contains("paths")) bring_up_to_date(json);
  parse_choices(member(json, "choices"), config);
  parse_paths(member(json, "paths"), config.paths);
  parse_sizes(member(json, "data"), config);
  read_if_there(json, "confidential", config.confidential);
  read_if_there(json, "devices", config.devices);
  read_if_there(json, "cuda_device_max_connections", config.cuda_connections);
  read_if_there(json, "version", config.version);
  read_if_there(json, "commit", config.commit);
  read_if_there(json, "resumed_by", config.resumed_by);
  const std::vector<std::string> keys = differences(json, to_json(config));
  if (!keys.empty()) {
    throw InputError(
        fmt::format("{}: no such key, or a value that this version of notnot does not write", fmt::join(keys, ", ")));
  }
  return config;
}

RunConfig read_run_config(const RunFolder& folder) {
  const Json json = folder.config();
  try {
    return parse_run_config(json);
  } catch (const InputError& error) {
    throw InputError(
        fmt::format("{} is not the configuration of a run ({}); give a folder that this version of notnot wrote",
                    folder.config_path().string(), error.what()));
  }
}

std::string devices_in_words(const RunConfig& config) {
  return fmt::format("{}", fmt::join(config.devices, ", then "));
}

std::string programs_in_words(const RunConfig& config) {
  std::vector<std::string> programs = config.resumed_by;
  programs.insert(programs.begin(), program_in_words(config.version, config.commit));
  return fmt::format("{}", fmt::join(programs, ", then "));
}

std::string last_program(const RunConfig& config) {
  return config.resumed_by.empty() ? program_in_words(config.version, config.commit) : config.resumed_by.back();
}

std::string this_program() { return program_in_words(version(), commit()); }

bool RunConfig::has_checksums() const {
  return (data.corpus == kPlantedReader || (!data.corpus.empty() && !data.checksum.empty())) &&
         (paths.vectors.empty() || !vectors_checksum.empty()) && (paths.init.empty() || !init_checksum.empty());
}

bool RunConfig::is_confidential() const { return confidential || is_clinical(data.corpus); }

ModelOptions model_options(const RunConfig& config) {
  return {.encoder = encoder_of(config.spec),
          .attention = attention_of(config.spec),
          .vocabulary = config.vocabulary,
          .embed = config.embed,
          .hidden = config.hidden,
          .precision = config.precision};
}

std::vector<std::string> differing_choices(const RunConfig& existing, const RunConfig& requested) {
  Json known = identity(existing);
  const Json wanted = identity(requested);
  if (!wanted.contains("other_checksum")) known.erase("other_checksum");
  return differences(known, wanted);
}

std::vector<std::string> differing_inputs(const RunConfig& a, const RunConfig& b) {
  std::vector<std::string> keys = differences(data_choices(a.data), data_choices(b.data));
  const bool both = !a.vectors_checksum.empty() && !b.vectors_checksum.empty();
  if (both && a.vectors_checksum != b.vectors_checksum) keys.emplace_back("vectors_checksum");
  return keys;
}

std::vector<std::string> differing_content(const RunConfig& a, const RunConfig& b) {
  std::vector<std::string> keys = differing_inputs(a, b);
  std::erase_if(keys, [](const std::string& key) {
    return key != "corpus" && key != "data_checksum" &&
           std::find(kPlantedKeys.begin(), kPlantedKeys.end(), key) == kPlantedKeys.end();
  });
  return keys;
}

std::string in_words(const std::vector<std::string>& keys) {
  static const std::map<std::string, std::string_view> kMeanings = {
      {"corpus", "another kind of data set"},
      {"data_checksum", "the bytes of the data have changed (content, packing or line ends)"},
      {"vectors_checksum", "the bytes of the word vectors have changed"},
      {"init_checksum", "the bytes of the parameters of --init have changed"},
      {"other_checksum", "the attention that the run learns from has changed"},
      {"importance", "numbers from elsewhere become weights in another way"}};
  std::vector<std::string> words;
  for (const std::string& key : keys) {
    const auto meaning = kMeanings.find(key);
    words.push_back(meaning == kMeanings.end() ? key : fmt::format("{}: {}", key, meaning->second));
  }
  return fmt::format("{}", fmt::join(words, ", "));
}

}  // namespace notnot
