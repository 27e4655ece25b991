#include "engine/runs/run_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <system_error>

#include "engine/io/checksum.h"
#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "engine/io/safetensors.h"

namespace notnot {
namespace {

using Json = nlohmann::json;

[[noreturn]] void throw_damaged(const std::filesystem::path& path, const std::string& what) {
  throw InputError(fmt::format("{}: {}; remove the run folder and train again", path.string(), what));
}

Json read_json(const std::filesystem::path& path) {
  try {
    Json json = Json::parse(read_file(path));
    if (!json.is_object()) throw_damaged(path, "not a JSON object");
    return json;
  } catch (const Json::exception& error) {
    throw_damaged(path, error.what());
  }
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

RunState RunFolder::state() const {
  const auto exists = [](const std::filesystem::path& file) {
    std::error_code ignored;
    return std::filesystem::exists(file, ignored);
  };
  if (!exists(config_path())) return RunState::absent;
  if (exists(result_path())) return RunState::finished;
  return exists(checkpoint_path()) ? RunState::resumable : RunState::unfinished;
}

Json RunFolder::config() const { return read_json(config_path()); }

std::optional<std::string> RunFolder::failure() const {
  std::error_code ignored;
  if (!std::filesystem::exists(failure_path(), ignored)) return std::nullopt;
  const Json json = read_json(failure_path());
  const auto reason = json.find("reason");
  if (reason == json.end() || !reason->is_string()) throw_damaged(failure_path(), "it gives no reason");
  return reason->get<std::string>();
}

std::vector<EpochMetrics> RunFolder::metrics() const {
  const std::string content = read_file(metrics_path());
  try {
    return parse_metrics(content);
  } catch (const InputError& error) {
    throw_damaged(metrics_path(), error.what());
  }
}

RunResult RunFolder::result() const {
  const Json json = read_json(result_path());
  try {
    return parse_result(json);
  } catch (const Json::exception& error) {
    throw_damaged(result_path(), error.what());
  }
}

std::string RunFolder::attention_checksum() const {
  Sha256 sum;
  for (const SplitName split : kSplitNames) sum.update(sha256_of_file(attention_path(split)));
  return sum.hex();
}

Attention RunFolder::attention(SplitName split) const {
  const Safetensors file = Safetensors::read(attention_path(split));
  Attention result;
  result.log_attention = file.values<float>("log_attention");
  result.offsets = file.values<int64_t>("offsets");
  result.probability = file.values<float>("probability");
  result.label = file.values<int32_t>("label");
  result.row = file.values<int64_t>("row");
  const std::string what = fault({result.log_attention, result.offsets, result.probability, result.label, result.row});
  if (!what.empty()) throw_damaged(attention_path(split), what);
  return result;
}

Perturbations RunFolder::perturbations() const {
  const Safetensors file = Safetensors::read(perturbation_path());
  Perturbations result;
  result.permutation_change = file.values<float>("permutation_change");
  result.adversary_jsd = file.values<float>("adversary_jsd");
  result.adversary_tvd = file.values<float>("adversary_tvd");
  result.adversary_probability = file.values<float>("adversary_probability");
  result.adversary_log_attention = file.values<float>("adversary_log_attention");
  result.offsets = file.values<int64_t>("offsets");
  result.label = file.values<int32_t>("label");
  result.row = file.values<int64_t>("row");
  const std::string what = fault(result);
  if (!what.empty()) throw_damaged(perturbation_path(), what);
  return result;
}

}  // namespace notnot
