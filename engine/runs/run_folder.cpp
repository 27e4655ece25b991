#include "engine/runs/run_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "engine/io/checksum.h"
#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "engine/io/json.h"
#include "engine/io/safetensors.h"
#include "engine/runs/run_checksums.h"

namespace notnot {
namespace {

using Json = nlohmann::json;

constexpr const char* kRemedy = "remove the run folder and train again";

/// For a damaged file of a run.
const char* remedy_for(const std::filesystem::path& file) {
  const RunFolder folder(file.parent_path());
  const RunState state = folder.state();
  const bool goes_on = state == RunState::unfinished || state == RunState::resumable;
  return goes_on && file != folder.config_path() ? kTrainAgain : kRemedy;
}

[[noreturn]] void throw_damaged(const std::filesystem::path& path, const std::string& what) {
  throw InputError(fmt::format("{}: {}; {}", path.string(), what, remedy_for(path)));
}

Json read_json(const std::filesystem::path& path) { return read_json_object(path, kRemedy); }

/// What `parse_object` makes of the file at `path`. A fault that it finds is thrown with the path.
template <class Parse>
auto parse(const std::filesystem::path& path, const Parse& parse_object) {
  const Json json = read_json(path);
  try {
    return parse_object(json);
  } catch (const InputError& error) {
    throw_damaged(path, error.what());
  }
}

bool has_checksum(const Json& entry, const std::string& checksum) {
  return entry.is_object() && entry.value("sha256", Json()) == checksum;
}

/// Throws InputError if `checksum` is not what `known`, the checksums in result.json, has of `file`.
void check(const Json& known, const std::filesystem::path& file, const std::string& checksum,
           const char* what = "its checksum is not the one in result.json") {
  const auto entry = known.find(file.filename().string());
  if (entry != known.end() && !has_checksum(*entry, checksum)) throw_damaged(file, what);
}

void check_size(const std::filesystem::path& file, const Json& entry) {
  if (!entry.is_object() || !entry.contains("bytes") || entry["bytes"] == std::filesystem::file_size(file)) return;
  throw_damaged(file, "its size is not the one in result.json");
}

}  // namespace

RunFolder::RunFolder(const std::filesystem::path& runs, const std::string& name) : path_(runs / name) {
  const std::filesystem::path inside = name;
  if (name.empty() || inside.is_absolute() || std::find(inside.begin(), inside.end(), "..") != inside.end()) {
    throw InputError(fmt::format("`{}` is no name for a run; give one such as `sst` or `seeds/3`", name));
  }
}

std::filesystem::path RunFolder::attention_path(SplitName split) const {
  return path_ / fmt::format("attention_{}.safetensors", to_string(split));
}

std::filesystem::path RunFolder::erasure_path(SplitName split) const {
  return path_ / fmt::format("erasure_{}.safetensors", to_string(split));
}

std::filesystem::path RunFolder::attribution_path(SplitName split) const {
  return path_ / fmt::format("attribution_{}.safetensors", to_string(split));
}

std::vector<std::filesystem::path> RunFolder::files() const {
  std::vector<std::filesystem::path> paths = {
      config_path(),      result_path(),       metrics_path(),  checkpoint_path(),     model_path(),  vocabulary_path(),
      predictions_path(), perturbation_path(), ablation_path(), guide_controls_path(), failure_path()};
  for (const SplitName split : kSplitNames) {
    paths.push_back(attention_path(split));
    paths.push_back(erasure_path(split));
    paths.push_back(attribution_path(split));
  }
  return paths;
}

std::filesystem::path RunFolder::existing(std::filesystem::path file) const {
  const std::string what = other_than_file(file);
  if (what.empty()) return file;
  if (what != "nothing") throw_damaged(file, fmt::format("it is {} and not a file", what));
  switch (state()) {
    case RunState::absent:
      throw InputError(
          fmt::format("{} is missing, and {} is no run folder (it has no config.json); give one that notnot trained",
                      file.string(), path_.string()));
    case RunState::finished:
      throw InputError(
          fmt::format("{} is missing, though the run is finished; copy it back, or remove the run folder "
                      "and train again",
                      file.string()));
    default:
      throw InputError(
          fmt::format("{} is missing, and the run is not finished; start the command that trains it once "
                      "more (notnot train needs --resume), or remove the run folder and train again",
                      file.string()));
  }
}

std::filesystem::path RunFolder::intact(std::filesystem::path file) const {
  file = existing(std::move(file));
  const Json known = checksums();
  if (known.contains(file.filename().string())) check(known, file, sha256_of_file(file));
  return file;
}

std::string RunFolder::damage(bool contents) const {
  try {
    const Json known = checksums();
    if (known.is_null() && state() == RunState::finished) check_all_there();
    for (const std::filesystem::path& file : files()) {
      const auto entry = known.find(file.filename().string());
      if (entry == known.end()) continue;
      check_size(existing(file), *entry);
      if (!contents) continue;
      if (file == config_path()) {
        (void)config();
      } else if (file == metrics_path()) {
        (void)metrics();
      } else {
        (void)intact(file);
      }
    }
    return "";
  } catch (const InputError& error) {
    return error.what();
  }
}

void RunFolder::check_all_there() const {
  const Json result = read_json(existing(result_path()));
  if (result.contains("permutation_change")) {
    (void)existing(perturbation_path());
    return;
  }
  if (result.contains("measure")) {
    const AttributionResult measured = attribution_result();
    for (const SplitName split : kSplitNames) {
      if (measured.splits[split]) (void)existing(attribution_path(split));
    }
    return;
  }
  for (const auto& file : {model_path(), vocabulary_path(), metrics_path(), predictions_path()}) (void)existing(file);
  for (const SplitName split : kSplitNames) (void)existing(attention_path(split));
}

Json RunFolder::checksums() const {
  if (state() != RunState::finished) return nullptr;
  return parse(existing(result_path()), [](Json json) { return check_result(json); });
}

RunState RunFolder::state() const {
  // A link that leads nowhere counts, so that its reader says what is wrong.
  if (!is_taken(config_path())) return RunState::absent;
  if (is_taken(result_path())) return RunState::finished;
  return is_taken(checkpoint_path()) ? RunState::resumable : RunState::unfinished;
}

std::filesystem::path RunFolder::left_without_config() const {
  if (is_taken(config_path())) return {};
  for (std::filesystem::path& file : files()) {
    if (file != failure_path() && is_taken(file)) return std::move(file);
  }
  return {};
}

bool is_file_of_run(const std::filesystem::path& path) {
  std::error_code error;
  const auto real = std::filesystem::weakly_canonical(std::filesystem::absolute(path, error), error);
  const RunFolder folder(real.parent_path());
  const std::vector<std::filesystem::path> files = folder.files();
  const bool named = std::any_of(files.begin(), files.end(), [&real](const auto& file) { return file == real; });
  return named && (is_taken(folder.config_path()) || is_taken(folder.result_path()));
}

Json RunFolder::config() const {
  Json config = parse(existing(config_path()), [](Json json) {
    check_config(json);
    return json;
  });
  if (!other_than_file(result_path()).empty()) return config;
  check(checksums(), config_path(), checksum_of_choices(config),
        "it is not the configuration with which the run in result.json was trained");
  return config;
}

std::optional<std::string> RunFolder::failure() const {
  std::error_code ignored;
  if (!std::filesystem::exists(failure_path(), ignored)) return std::nullopt;
  const Json json = read_json(existing(failure_path()));
  const auto reason = json.find("reason");
  if (reason == json.end() || !reason->is_string()) throw_damaged(failure_path(), "it gives no reason");
  return reason->get<std::string>();
}

std::vector<EpochMetrics> RunFolder::metrics() const {
  constexpr size_t kLargest = size_t{64} << 20;  // has room for 100000 epochs, the most on the command line
  const std::string content = read_small_file(existing(metrics_path()), kLargest, remedy_for(metrics_path()));
  check(checksums(), metrics_path(), checksum_of_metrics(content));
  try {
    return parse_metrics(content);
  } catch (const InputError& error) {
    throw_damaged(metrics_path(), error.what());
  }
}

RunResult RunFolder::result() const {
  return parse(existing(result_path()), [](Json json) {
    check_result(json);
    return parse_result(json);
  });
}

PerturbationResult RunFolder::perturbation_result() const {
  return parse(existing(result_path()), [](Json json) {
    check_result(json);
    return parse_perturbation_result(json);
  });
}

AttributionResult RunFolder::attribution_result() const {
  return parse(existing(result_path()), [](Json json) {
    check_result(json);
    return parse_attribution_result(json);
  });
}

std::string RunFolder::checksum_of(const std::vector<std::filesystem::path>& files) const {
  Sha256 all;
  const Json known = checksums();
  for (const std::filesystem::path& file : files) {
    const std::string sum = sha256_of_file(existing(file));
    check(known, file, sum);
    all.update(sum);
  }
  return all.hex();
}

std::string RunFolder::attention_checksum() const {
  const bool attributed = is_attribution();
  std::vector<std::filesystem::path> files;
  for (const SplitName split : kSplitNames)
    files.push_back(attributed ? attribution_path(split) : attention_path(split));
  return checksum_of(files);
}

bool RunFolder::is_attribution() const {
  return std::any_of(kSplitNames.begin(), kSplitNames.end(),
                     [this](SplitName split) { return is_taken(attribution_path(split)); });
}

Attention RunFolder::attention(SplitName split) const {
  const Safetensors file = Safetensors::read(intact(attention_path(split)));
  Attention result;
  result.log_attention = file.values<float>("log_attention");
  result.offsets = file.values<int64_t>("offsets");
  result.probability = file.values<float>("probability");
  result.label = file.values<int32_t>("label");
  result.row = file.values<int64_t>("row");
  if (file.contains("group")) result.group = file.values<int64_t>("group");
  const std::string what = fault({result.log_attention, result.offsets, result.probability, result.label, result.row});
  if (!what.empty()) throw_damaged(attention_path(split), what);
  if (!result.group.empty() && result.group.size() != result.row.size()) {
    throw_damaged(attention_path(split), fmt::format("{} groups of {} texts", result.group.size(), result.row.size()));
  }
  return result;
}

Perturbations RunFolder::perturbations() const {
  const Safetensors file = Safetensors::read(intact(perturbation_path()));
  Perturbations result;
  result.permutation_change = file.values<float>("permutation_change");
  result.adversary_jsd = file.values<float>("adversary_jsd");
  result.adversary_tvd = file.values<float>("adversary_tvd");
  result.adversary_probability = file.values<float>("adversary_probability");
  result.adversary_log_attention = file.values<float>("adversary_log_attention");
  result.offsets = file.values<int64_t>("offsets");
  result.label = file.values<int32_t>("label");
  result.row = file.values<int64_t>("row");
  if (file.contains("exact_epsilon")) {
    result.exact = {.epsilon = file.values<double>("exact_epsilon"),
                    .jsd = file.values<float>("exact_jsd"),
                    .probability = file.values<float>("exact_probability"),
                    .word = file.values<int32_t>("exact_word"),
                    .weight = file.values<float>("exact_weight")};
  }
  const std::string what = fault(result);
  if (!what.empty()) throw_damaged(perturbation_path(), what);
  return result;
}

Erasure RunFolder::erasure(SplitName split) const {
  const Safetensors file = Safetensors::read(intact(erasure_path(split)));
  Erasure result;
  result.flip_size = file.values<int32_t>("flip_size");
  result.smallest_flip_size = file.values<int32_t>("smallest_flip_size");
  result.comprehensiveness_probability = file.values<float>("comprehensiveness_probability");
  result.comprehensiveness_logit = file.values<float>("comprehensiveness_logit");
  result.sufficiency_probability = file.values<float>("sufficiency_probability");
  result.sufficiency_logit = file.values<float>("sufficiency_logit");
  if (file.contains("rationale")) result.rationale = file.values<int32_t>("rationale");
  result.offsets = file.values<int64_t>("offsets");
  result.label = file.values<int32_t>("label");
  result.row = file.values<int64_t>("row");
  const std::string what = fault(result);
  if (!what.empty()) throw_damaged(erasure_path(split), what);
  return result;
}

Attributions RunFolder::attributions(SplitName split) const {
  const Measure measure = attribution_result().measure;
  const Safetensors file = Safetensors::read(intact(attribution_path(split)));
  const auto integration = [&file](const std::string& name) {
    Attributions::Integration result;
    if (!file.contains(name + "/nodes")) return result;
    result.nodes = file.values<int32_t>(name + "/nodes");
    result.error = file.values<float>(name + "/error");
    result.converged = file.values<int32_t>(name + "/converged");
    return result;
  };
  Attributions result{.score_probability = file.values<float>("score_probability"),
                      .score_logit = file.values<float>("score_logit"),
                      .probability = file.values<float>("probability"),
                      .logit = file.values<float>("logit"),
                      .integration_probability = integration("integration_probability"),
                      .integration_logit = integration("integration_logit"),
                      .offsets = file.values<int64_t>("offsets"),
                      .label = file.values<int32_t>("label"),
                      .row = file.values<int64_t>("row")};
  if (file.contains("group")) result.group = file.values<int64_t>("group");
  const std::string what = fault(result, measure);
  if (!what.empty()) throw_damaged(attribution_path(split), what);
  return result;
}

std::optional<Ablation> RunFolder::ablation() const {
  if (!is_taken(ablation_path())) return std::nullopt;
  const Safetensors file = Safetensors::read(intact(ablation_path()));
  Ablation result{.without_evidence = file.values<float>("without_evidence"),
                  .without_others = file.values<float>("without_others")};
  const std::string what = fault(result);
  if (!what.empty()) throw_damaged(ablation_path(), what);
  return result;
}

std::optional<GuideControls> RunFolder::guide_controls() const {
  if (!is_taken(guide_controls_path())) return std::nullopt;
  const Safetensors file = Safetensors::read(intact(guide_controls_path()));
  GuideControls result{.permuted_weights = file.values<float>("permuted_weights"),
                       .equal_weights = file.values<float>("equal_weights")};
  const std::string what = fault(result);
  if (!what.empty()) throw_damaged(guide_controls_path(), what);
  return result;
}

}  // namespace notnot
