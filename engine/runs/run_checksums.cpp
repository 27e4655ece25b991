#include "engine/runs/run_checksums.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/io/checksum.h"
#include "engine/io/files.h"
#include "engine/io/input_error.h"

namespace notnot {
namespace {

using Json = nlohmann::json;

constexpr const char *kFiles = "files", *kChecksum = "checksum";

/// The value with whole numbers as integers: other programs write 1 for 1.0.
Json canonical(Json value) {
  constexpr double kLargest = 1LL << 53;
  if (value.is_structured()) {
    for (Json& item : value) item = canonical(std::move(item));
  } else if (value.is_number_float()) {
    const double number = value.get<double>();
    if (std::fabs(number) <= kLargest && number == std::trunc(number)) value = static_cast<int64_t>(number);
  }
  return value;
}

std::string checksum_of(const Json& json) {
  return sha256(canonical(json).dump(2, ' ', false, Json::error_handler_t::replace));
}

std::string checksum_without(Json object) {
  object.erase(kChecksum);
  return checksum_of(object);
}

/// Throws InputError unless `found` is the checksum `expected`.
void compare(const Json& found, const std::string& expected) {
  if (found != expected) throw InputError("its checksum is not that of its content");
}

/// What `files` has of `file`.
Json entry_of(const RunFolder& folder, const std::filesystem::path& file) {
  if (file == folder.metrics_path()) return {{"sha256", checksum_of_metrics(read_file(file))}};
  return {{"bytes", std::filesystem::file_size(file)}, {"sha256", sha256_of_file(file)}};
}

}  // namespace

std::string checksum_of_choices(const Json& config) {
  return checksum_of({{"choices", config.value("choices", Json())}, {"data", config.value("data", Json())}});
}

void sign_config(Json& config) { config[kChecksum] = checksum_without(config); }

void check_config(Json& config) {
  if (!config.contains(kChecksum)) return;
  compare(config[kChecksum], checksum_without(config));
  config.erase(kChecksum);
}

void sign_result(const RunFolder& folder, const std::string& choices, Json& result) {
  const auto without = {folder.config_path(), folder.result_path(), folder.checkpoint_path(), folder.failure_path()};
  Json& files = result[kFiles] = Json::object();
  for (const std::filesystem::path& file : folder.files()) {
    const bool passes = std::find(without.begin(), without.end(), file) != without.end();
    if (!passes && is_taken(file)) files[file.filename().string()] = entry_of(folder, file);
  }
  if (!choices.empty()) files[folder.config_path().filename().string()] = {{"sha256", choices}};
  result[kChecksum] = checksum_without(result);
}

Json check_result(Json& result) {
  if (!result.contains(kFiles) && !result.contains(kChecksum)) return nullptr;
  compare(result.value(kChecksum, Json()), checksum_without(result));
  result.erase(kChecksum);
  Json files = result.value(kFiles, Json());
  result.erase(kFiles);
  return files;
}

std::string checksum_of_metrics(std::string_view content) {
  constexpr int kTimes = 3;
  std::string kept;
  while (!content.empty()) {
    std::string_view line = content.substr(0, content.find('\n'));
    content.remove_prefix(std::min(line.size() + 1, content.size()));
    for (int i = 0; i < kTimes; ++i) line = line.substr(0, line.rfind(','));
    kept += fmt::format("{}\n", line);
  }
  return sha256(kept);
}

}  // namespace notnot
