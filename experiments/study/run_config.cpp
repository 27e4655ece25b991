#include "experiments/study/run_config.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "engine/io/input_error.h"

namespace notnot {
namespace {

using Json = nlohmann::json;

// --- writing ---------------------------------------------------------------------------------------------------------

Json data_choices(const DataChoices& data) {
  const DatasetOptions& options = data.options;
  const auto bound = [&](int32_t length) { return options.filter_by_length ? Json(length) : Json(); };
  Json choices = {{"dataset", data.dataset},
                  {"data", data.path},
                  {"min_df", options.min_df},
                  {"length_filter", options.filter_by_length},
                  {"min_length", bound(options.min_length)},
                  {"max_length", bound(options.max_length)}};
  if (data.difficulty) choices["difficulty"] = *data.difficulty;
  if (data.corpus_seed) choices["corpus_seed"] = *data.corpus_seed;
  if (!data.checksum.empty()) choices["data_checksum"] = data.checksum;
  if (data.synthetic) choices["synthetic"] = true;
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
  choices.update(
      {{"embed", config.embed}, {"hidden", config.hidden}, {"vectors", config.vectors}, {"init", config.init}});
  choices.update(training_choices(config.training));
  // Earlier versions had no other precision than fp32 and did not write it; neither does this one.
  if (config.precision != Precision::fp32) choices["precision"] = to_string(config.precision);
  if (!config.other_checksum.empty()) choices["other_checksum"] = config.other_checksum;
  if (!config.other_file.empty()) choices["other_file"] = config.other_file;
  return choices;
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

/// The value of `key` in `object`, or nothing where there is no such key.
template <class T>
void take_if_there(const Json& object, const char* key, T& value) {
  if (const auto found = object.find(key); found != object.end()) found->get_to(value);
}

DataChoices parse_data(const Json& choices) {
  DataChoices data;
  choices.at("dataset").get_to(data.dataset);
  choices.at("data").get_to(data.path);
  choices.at("min_df").get_to(data.options.min_df);
  choices.at("length_filter").get_to(data.options.filter_by_length);
  if (data.options.filter_by_length) {
    choices.at("min_length").get_to(data.options.min_length);
    choices.at("max_length").get_to(data.options.max_length);
  }
  if (choices.contains("difficulty")) data.difficulty = choices.at("difficulty").get<double>();
  if (choices.contains("corpus_seed")) data.corpus_seed = choices.at("corpus_seed").get<uint64_t>();
  take_if_there(choices, "data_checksum", data.checksum);
  take_if_there(choices, "synthetic", data.synthetic);
  return data;
}

TrainingOptions parse_training(const Json& choices, const RunSpec& spec) {
  TrainingOptions training;
  training.seed = spec.seed;
  training.lambda = spec.lambda;
  training.objective = spec.kind == RunKind::adversary ? Objective::adversary : Objective::classify;
  choices.at("epochs").get_to(training.epochs);
  choices.at("batch").get_to(training.batch_size);
  choices.at("learning_rate").get_to(training.optimiser.learning_rate);
  choices.at("beta1").get_to(training.optimiser.beta1);
  choices.at("beta2").get_to(training.optimiser.beta2);
  choices.at("epsilon").get_to(training.optimiser.epsilon);
  choices.at("weight_decay").get_to(training.optimiser.weight_decay);
  if (training.objective == Objective::adversary) {
    choices.at("tvd_factor").get_to(training.tvd_factor);
    choices.at("patience").get_to(training.patience);
  } else {
    training.select = choices.at("select") == to_string(SplitName::dev) ? SplitName::dev : SplitName::test;
  }
  return training;
}

void parse_choices(const Json& choices, RunConfig& config) {
  config.data = parse_data(choices);
  config.spec = spec_of(choices);
  choices.at("embed").get_to(config.embed);
  choices.at("hidden").get_to(config.hidden);
  choices.at("vectors").get_to(config.vectors);
  choices.at("init").get_to(config.init);
  config.training = parse_training(choices, config.spec);
  if (choices.value("precision", "") == to_string(Precision::bf16x3)) config.precision = Precision::bf16x3;
  take_if_there(choices, "other_checksum", config.other_checksum);
  take_if_there(choices, "other_file", config.other_file);
}

void parse_sizes(const Json& data, RunConfig& config) {
  data.at("vocabulary").get_to(config.vocabulary);
  data.at("words_with_vectors").get_to(config.words_with_vectors);
  for (const SplitName split : kSplitNames) {
    const Json& sizes = data.at("splits").at(std::string(to_string(split)));
    config.texts[split] = {sizes.at("negative"), sizes.at("positive"), sizes.at("tokens")};
  }
}

// --- comparing -------------------------------------------------------------------------------------------------------

/// Adds the keys in which `a` and `b` differ to `keys`, each behind `prefix`.
void add_differences(const Json& a, const Json& b, const std::string& prefix, std::vector<std::string>& keys) {
  if (!a.is_object() || !b.is_object()) {
    if (a != b) keys.push_back(prefix);
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

Json identity(const RunConfig& config) {
  Json choices = choices_of(config);
  choices["sizes"] = sizes_of(config);
  return choices;
}

}  // namespace

Json to_json(const RunConfig& config) {
  Json json = {{"choices", choices_of(config)}, {"data", sizes_of(config)}};
  if (!config.device.empty()) json["device"] = config.device;
  if (config.threads != 0) json["threads"] = config.threads;
  if (!config.version.empty() || !config.commit.empty()) {
    json["version"] = config.version;
    json["commit"] = config.commit;
  }
  return json;
}

RunConfig parse_run_config(const Json& json) {
  RunConfig config;
  try {
    parse_choices(json.at("choices"), config);
    parse_sizes(json.at("data"), config);
    take_if_there(json, "device", config.device);
    take_if_there(json, "threads", config.threads);
    take_if_there(json, "version", config.version);
    take_if_there(json, "commit", config.commit);
  } catch (const Json::exception& error) {
    throw InputError(error.what());
  }
  const std::vector<std::string> keys = differences(json, to_json(config));
  if (!keys.empty()) {
    throw InputError(fmt::format("this version of notnot would not write {} like that", fmt::join(keys, ", ")));
  }
  return config;
}

RunConfig read_run_config(const RunFolder& folder) {
  const Json json = folder.config();
  try {
    return parse_run_config(json);
  } catch (const InputError& error) {
    throw InputError(fmt::format("{} is not the configuration of a run ({}); give a folder that notnot wrote",
                                 folder.config_path().string(), error.what()));
  }
}

ModelOptions model_options(const RunConfig& config) {
  return {.encoder = encoder_of(config.spec.kind),
          .attention = attention_of(config.spec.kind),
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

}  // namespace notnot
