#include "engine/runs/run_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numbers>
#include <utility>

#include "engine/io/input_error.h"
#include "engine/io/text.h"

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

// A sum of rounded numbers, such as an average precision, may end a little above its bound.
constexpr double kRounding = 1e-6;

bool is_share(double value) { return value >= 0 && value <= 1 + kRounding; }

/// What is wrong with the measures of a split; empty when nothing is. An adversary's training split is not evaluated:
/// all its measures are NaN.
std::string fault_of(Classification scores, const std::string& split) {
  const auto all = measures(scores);
  if (std::all_of(all.begin(), all.end(), [](const auto& measure) { return std::isnan(*measure.second); })) return "";
  for (const auto& [name, value] : all) {
    const bool undefined = value == &scores.roc_auc && std::isnan(*value);
    if (!undefined && !is_share(*value)) return fmt::format("{}_{} is {}, not from 0 to 1", split, name, *value);
  }
  return "";
}

/// What is wrong with the row that should be the one of `epoch`; empty when nothing is.
std::string fault_of(const EpochMetrics& row, size_t epoch) {
  if (row.epoch != static_cast<int64_t>(epoch)) {
    return fmt::format("has epoch {} where epoch {} belongs; a row is missing, doubled or out of order", row.epoch,
                       epoch);
  }
  for (const SplitName split : kSplitNames) {
    const std::string name(to_string(split));
    if (!std::isfinite(row.loss[split])) return fmt::format("has a {}_loss of {}", name, row.loss[split]);
    const std::string what = fault_of(row.split[split], name);
    if (!what.empty()) return "is impossible: " + what;
  }
  const auto is_time = [](double seconds) { return seconds >= 0 && seconds <= kMostSeconds; };
  const bool times = is_time(row.train_seconds) && is_time(row.eval_seconds) && row.tokens_per_second >= 0;
  return times ? "" : "has a time or a speed that is negative, too large or no number";
}

// --- reading JSON ----------------------------------------------------------------------------------------------------

const Json& member(const Json& object, const std::string& name) {
  if (!object.is_object() || !object.contains(name)) throw InputError(fmt::format("`{}` is missing", name));
  return object.at(name);
}

/// A number from 0 to `most`.
double number(const Json& object, const std::string& name, double most) {
  const Json& json = member(object, name);
  if (!json.is_number() || !(json.get<double>() >= 0 && json.get<double>() <= most + kRounding)) {
    throw InputError(fmt::format("`{}` is {}, not a number from 0 to {:.3g}", name, in_quotes(json.dump()), most));
  }
  return json.get<double>();
}

void check_no_more(const Json& json, const Json& known) {
  if (json != known) throw InputError("it has keys that this version of notnot does not write");
}

AttributionResult::OfSplit parse_attribution(const Json& json, Measure measure) {
  constexpr double kMostTexts = 1e15, kMostScore = std::numeric_limits<float>::max();
  AttributionResult::OfSplit of{.texts = static_cast<int64_t>(number(json, "texts", kMostTexts)),
                                .mean_absolute_score = number(json, "mean_absolute_score", kMostScore)};
  if (of.texts == 0) throw InputError("`texts` is 0");
  if (measure == Measure::integrated_gradients) of.share_not_converged = number(json, "share_not_converged", 1);
  return of;
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
    const size_t line = rows.size() + 2;
    if (!parse_row(take(rest, '\n'), row)) throw InputError(fmt::format("line {} is not a row of numbers", line));
    const std::string what = fault_of(row, rows.size() + 1);
    if (!what.empty()) throw InputError(fmt::format("line {} {}", line, what));
    rows.push_back(row);
  }
  return rows;
}

Json to_json(const RunResult& result) {
  Json json = {{"epoch", result.epoch}, {"selected_on", result.selected_on}};
  for (const SplitName split : kSplitNames) {
    Classification scores = result.split[split];
    for (const auto& [name, value] : measures(scores)) {
      json[std::string(to_string(split))][name] = std::isnan(*value) ? Json() : Json(*value);
    }
  }
  return json;
}

Json to_json(const PerturbationResult& result) {
  Json json = {{"permutation_change", result.permutation_change},
               {"adversary_jsd", result.adversary_jsd},
               {"adversary_tvd", result.adversary_tvd}};
  for (const auto& [epsilon, jsd] : result.exact_adversary) {
    json["exact_adversary"].push_back({{"epsilon", epsilon}, {"jsd", jsd}});
  }
  return json;
}

Json to_json(const AttributionResult& result) {
  Json splits = Json::object();
  for (const SplitName split : kSplitNames) {
    const auto& of = result.splits[split];
    if (!of) continue;
    Json& json = splits[std::string(to_string(split))];
    json = {{"texts", of->texts}, {"mean_absolute_score", of->mean_absolute_score}};
    if (of->share_not_converged) json["share_not_converged"] = *of->share_not_converged;
  }
  return {{"measure", to_string(result.measure)}, {"splits", splits}};
}

RunResult parse_result(const Json& json) {
  RunResult result;
  const Json &epoch = member(json, "epoch"), &selected_on = member(json, "selected_on");
  const uint64_t chosen = epoch.is_number_unsigned() ? epoch.get<uint64_t>() : 0;
  if (chosen == 0 || chosen > uint64_t{std::numeric_limits<int32_t>::max()}) {
    throw InputError(fmt::format("`epoch` is {}, not 1, 2, ...", in_quotes(epoch.dump())));
  }
  result.epoch = static_cast<int32_t>(chosen);
  if (selected_on != "test" && selected_on != "dev" && selected_on != "train loss") {
    throw InputError(
        fmt::format("`selected_on` is {}, not \"test\", \"dev\" or \"train loss\"", in_quotes(selected_on.dump())));
  }
  result.selected_on = selected_on.get<std::string>();
  for (const SplitName split : kSplitNames) {
    const Json& scores = member(json, std::string(to_string(split)));
    for (const auto& [name, value] : measures(result.split[split])) {
      const bool undefined = value == &result.split[split].roc_auc && member(scores, name).is_null();
      *value = undefined ? std::numeric_limits<double>::quiet_NaN() : number(scores, name, 1);
    }
  }
  check_no_more(json, to_json(result));
  return result;
}

PerturbationResult parse_perturbation_result(const Json& json) {
  PerturbationResult result{.permutation_change = number(json, "permutation_change", 1),
                            .adversary_jsd = number(json, "adversary_jsd", std::numbers::ln2),
                            .adversary_tvd = number(json, "adversary_tvd", 0.5)};
  if (json.contains("exact_adversary")) {
    for (const Json& mean : json.at("exact_adversary")) {
      result.exact_adversary.push_back({number(mean, "epsilon", 1), number(mean, "jsd", std::numbers::ln2)});
    }
  }
  check_no_more(json, to_json(result));
  return result;
}

AttributionResult parse_attribution_result(const Json& json) {
  AttributionResult result;
  const Json &measure = member(json, "measure"), &splits = member(json, "splits");
  const auto known = measure.is_string() ? measure_named(measure.get<std::string>()) : std::nullopt;
  if (!known) throw InputError(fmt::format("`measure` is {}, which is none", in_quotes(measure.dump())));
  result.measure = *known;
  for (const SplitName split : kSplitNames) {
    const auto found = splits.find(to_string(split));
    if (found != splits.end()) result.splits[split] = parse_attribution(*found, result.measure);
  }
  if (splits.empty()) throw InputError("`splits` has none");
  check_no_more(json, to_json(result));
  return result;
}

}  // namespace notnot
