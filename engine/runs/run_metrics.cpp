#include "engine/runs/run_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/io/input_error.h"

namespace notnot {
namespace {

using Json = nlohmann::json;

// One list of names serves writing and reading.
std::array<std::pair<const char*, double*>, 4> measures(Classification& scores) {
  return {{{"f1", &scores.f1},
           {"roc_auc", &scores.roc_auc},
           {"accuracy", &scores.accuracy},
           {"average_precision", &scores.average_precision}}};
}

/// Every column after `epoch`.
std::vector<std::pair<std::string, double*>> columns(EpochMetrics& row) {
  std::vector<std::pair<std::string, double*>> result;
  for (const SplitName split : kSplitNames) {
    result.emplace_back(fmt::format("{}_loss", to_string(split)), &row.loss[split]);
    for (const auto& [name, value] : measures(row.split[split])) {
      result.emplace_back(fmt::format("{}_{}", to_string(split), name), value);
    }
  }
  result.emplace_back("train_seconds", &row.train_seconds);
  result.emplace_back("eval_seconds", &row.eval_seconds);
  result.emplace_back("tokens_per_second", &row.tokens_per_second);
  return result;
}

std::string csv_header() {
  EpochMetrics any;
  std::string header = "epoch";
  for (const auto& [name, value] : columns(any)) header += "," + name;
  return header;
}

template <class T>
bool parse_number(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

/// The text before the next `separator`, which is taken off `rest` with it.
std::string_view take(std::string_view& rest, char separator) {
  const size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view piece = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return piece;
}

bool parse_row(std::string_view line, EpochMetrics& row) {
  if (!parse_number(take(line, ','), row.epoch)) return false;
  const auto fields = columns(row);
  return std::count(line.begin(), line.end(), ',') + 1 == static_cast<int64_t>(fields.size()) &&
         std::all_of(fields.begin(), fields.end(),
                     [&line](const auto& field) { return parse_number(take(line, ','), *field.second); });
}

}  // namespace

std::string to_csv(std::span<const EpochMetrics> epochs) {
  std::string content = csv_header() + "\n";
  for (EpochMetrics row : epochs) {
    content += fmt::format("{}", row.epoch);
    for (const auto& [name, value] : columns(row)) content += fmt::format(",{:.9g}", *value);
    content += "\n";
  }
  return content;
}

std::vector<EpochMetrics> parse_metrics(std::string_view content) {
  std::string_view rest = content;
  if (take(rest, '\n') != csv_header()) throw InputError("line 1 does not name the columns that are expected");
  std::vector<EpochMetrics> rows;
  while (!rest.empty()) {
    EpochMetrics row;
    if (!parse_row(take(rest, '\n'), row))
      throw InputError(fmt::format("line {} is not a row of numbers", rows.size() + 2));
    rows.push_back(row);
  }
  return rows;
}

Json to_json(const RunResult& result) {
  Json json = {{"epoch", result.epoch}, {"selected_on", result.selected_on}};
  for (const SplitName split : kSplitNames) {
    Classification scores = result.split[split];
    for (const auto& [name, value] : measures(scores)) json[std::string(to_string(split))][name] = *value;
  }
  return json;
}

RunResult parse_result(const Json& json) {
  RunResult result;
  json.at("epoch").get_to(result.epoch);
  json.at("selected_on").get_to(result.selected_on);
  for (const SplitName split : kSplitNames) {
    const Json& scores = json.at(std::string(to_string(split)));
    for (const auto& [name, value] : measures(result.split[split])) {
      const Json& number = scores.at(name);
      *value = number.is_null() ? std::numeric_limits<double>::quiet_NaN() : number.get<double>();
    }
  }
  return result;
}

}  // namespace notnot
