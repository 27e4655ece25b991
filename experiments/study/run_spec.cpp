#include "experiments/study/run_spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/math/random.h"
#include "models/side_by_side.h"

namespace notnot {
namespace {

/// The kinds that encoder and attention tell apart.
constexpr std::array kPlainKinds = {RunKind::base, RunKind::uniform, RunKind::trained_mlp, RunKind::uniform_mlp};

RunSpec base_model(uint64_t seed) { return {.kind = RunKind::base, .seed = seed, .lambda = 0, .other = {}}; }

/// The name of another run without the data set, which both runs share. The label of attention from another program may
/// begin like the data set's name, but stays whole.
std::string short_name(const std::string& dataset, const std::string& name) {
  return parse_run_name(dataset, name) ? name.substr(dataset.size() + 1) : name;
}

/// The end of a run's name: "-of-" and the model that the run attacks, perturbs or attributes; empty if that is the base
/// model of the run's own seed.
std::string of_another(const std::string& dataset, const RunSpec& spec) {
  return spec.other == run_name(dataset, base_model(spec.seed)) ? "" : "-of-" + short_name(dataset, spec.other);
}

/// Removes `prefix` from the front of `rest`; false if `rest` does not start with it.
bool take(std::string_view& rest, std::string_view prefix) {
  if (!rest.starts_with(prefix)) return false;
  rest.remove_prefix(prefix.size());
  return true;
}

/// Removes a number from the front of `rest`; false if there is none.
template <class T>
bool take_number(std::string_view& rest, T& value) {
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (error != std::errc()) return false;
  rest.remove_prefix(end - rest.data());
  return true;
}

/// RunSpec::other from the text that stands behind `-of-` or `-by-` in a name: the name of a run, or the label of
/// attention from another program.
std::string other_in_name(const std::string& dataset, std::string_view rest) {
  const std::string full = fmt::format("{}-{}", dataset, rest);
  return parse_run_name(dataset, full) ? full : std::string(rest);
}

/// Reads "seed10" or "seed10-of-NAME" behind the kind of an adversary, a perturbation or an attribution; an adversary
/// may have "-member2of3" behind the seed.
bool take_attack(const std::string& dataset, std::string_view rest, RunSpec& spec) {
  if (!take(rest, "seed") || !take_number(rest, spec.seed)) return false;
  if (spec.kind == RunKind::adversary && take(rest, "-member")) {
    spec.kind = RunKind::side_by_side;
    if (!take_number(rest, spec.member) || !take(rest, "of") || !take_number(rest, spec.members)) return false;
    if (spec.members < 2 || spec.members > kMostSideBySide || spec.member < 1 || spec.member > spec.members) {
      return false;
    }
  }
  if (!rest.empty() && !take(rest, "-of-")) return false;
  spec.other = rest.empty() ? run_name(dataset, base_model(spec.seed)) : other_in_name(dataset, rest);
  return true;
}

/// The splits in the name of an attribution: "-train-dev-test"; empty for the test split alone.
std::string splits_in_name(const std::vector<SplitName>& splits) {
  if (splits == std::vector{SplitName::test}) return "";
  std::string names;
  for (const SplitName split : splits) names += fmt::format("-{}", to_string(split));
  return names;
}

/// Reads "leave-one-out-train-dev-test-seed10" and what take_attack reads behind "attribution-". One measure's name may
/// begin with another's.
bool take_attribution(const std::string& dataset, std::string_view rest, RunSpec& spec) {
  spec.kind = RunKind::attribution;
  for (const Measure measure : kMeasures) {
    std::string_view after = rest;
    if (!take(after, to_string(measure))) continue;
    spec.measure = measure;
    std::vector<SplitName> splits;
    for (const SplitName split : kSplitNames) {
      if (take(after, fmt::format("-{}", to_string(split)))) splits.push_back(split);
    }
    if (!take(after, "-") || !take_attack(dataset, after, spec)) continue;
    const std::optional<RunSpec> model = parse_run_name(dataset, spec.other);
    if (!model || !is_attributable(model->kind)) return false;
    spec = attribution_of(dataset, *model, measure, splits.empty() ? std::vector{SplitName::test} : splits);
    return true;
  }
  return false;
}

bool take_plain(std::string_view rest, RunSpec& spec) {
  for (const RunKind kind : kPlainKinds) {
    std::string_view after = rest;
    if (!take(after, fmt::format("{}-{}-seed", to_string(encoder_of(kind)), to_string(attention_of(kind))))) continue;
    spec.kind = kind;
    return take_number(after, spec.seed) && after.empty();
  }
  return false;
}

bool take_spec(const std::string& dataset, std::string_view rest, RunSpec& spec) {
  if (take(rest, "tokens-given-seed")) {
    spec.kind = RunKind::guided_mlp;
    if (!take_number(rest, spec.seed) || !take(rest, "-by-")) return false;
    spec.other = other_in_name(dataset, rest);
    return true;
  }
  if (take(rest, "adversary-lambda")) {
    spec.kind = RunKind::adversary;
    return take_number(rest, spec.lambda) && std::isfinite(spec.lambda) && take(rest, "-") &&
           take_attack(dataset, rest, spec);
  }
  if (take(rest, "perturbation-")) {
    spec.kind = RunKind::perturbation;
    return take_attack(dataset, rest, spec);
  }
  if (take(rest, "attribution-")) return take_attribution(dataset, rest, spec);
  return take_plain(rest, spec);
}

/// The kind of the model with these choices, if it is no adversary.
RunKind trained_kind(const std::string& encoder, const std::string& attention) {
  for (const RunKind kind : {RunKind::uniform, RunKind::trained_mlp, RunKind::uniform_mlp, RunKind::guided_mlp}) {
    if (encoder == to_string(encoder_of(kind)) && attention == to_string(attention_of(kind))) return kind;
  }
  return RunKind::base;
}

/// Those of the names that are splits.
std::vector<SplitName> splits_of(const std::vector<std::string>& names) {
  std::vector<SplitName> splits;
  for (const SplitName split : kSplitNames) {
    if (std::find(names.begin(), names.end(), to_string(split)) != names.end()) splits.push_back(split);
  }
  return splits;
}

/// The kind of the model that a run trains or looks at.
RunKind model_of(const RunSpec& spec) { return spec.kind == RunKind::attribution ? spec.model : spec.kind; }

}  // namespace

Encoder encoder_of(RunKind kind) {
  const bool tokens = kind == RunKind::trained_mlp || kind == RunKind::uniform_mlp || kind == RunKind::guided_mlp;
  return tokens ? Encoder::tokens : Encoder::lstm;
}

AttentionKind attention_of(RunKind kind) {
  if (kind == RunKind::guided_mlp) return AttentionKind::given;
  return kind == RunKind::uniform || kind == RunKind::uniform_mlp ? AttentionKind::uniform : AttentionKind::learned;
}

bool is_adversary(RunKind kind) { return kind == RunKind::adversary || kind == RunKind::side_by_side; }

std::vector<RunSpec> group_of(const RunSpec& spec) {
  std::vector<RunSpec> members(spec.kind == RunKind::side_by_side ? spec.members : 1, spec);
  for (size_t k = 0; k < members.size() && spec.kind == RunKind::side_by_side; ++k) {
    members[k].member = static_cast<int32_t>(k) + 1;
  }
  return members;
}

uint64_t initial_seed(const RunSpec& spec) {
  if (spec.member <= 1) return spec.seed;
  const Random random(spec.seed, Purpose::member, spec.member);
  return uint64_t{random.bits(0)} << 32 | random.bits(1);
}

Encoder encoder_of(const RunSpec& spec) { return encoder_of(model_of(spec)); }
AttentionKind attention_of(const RunSpec& spec) { return attention_of(model_of(spec)); }

bool needs_another(RunKind kind) { return kind == RunKind::guided_mlp || is_adversary(kind) || !trains(kind); }

bool trains(RunKind kind) { return kind != RunKind::perturbation && kind != RunKind::attribution; }

bool is_attributable(RunKind kind) { return trains(kind) && kind != RunKind::guided_mlp; }

RunSpec attribution_of(const std::string& dataset, const RunSpec& of, Measure measure, std::vector<SplitName> splits) {
  return {.kind = RunKind::attribution,
          .seed = of.seed,
          .other = run_name(dataset, of),
          .model = is_adversary(of.kind) ? RunKind::adversary : of.kind,
          .measure = measure,
          .splits = std::move(splits)};
}

std::string run_name(const std::string& dataset, const RunSpec& spec) {
  switch (spec.kind) {
    case RunKind::guided_mlp:
      return fmt::format("{}-tokens-given-seed{}-by-{}", dataset, spec.seed, short_name(dataset, spec.other));
    case RunKind::adversary:
      return fmt::format("{}-adversary-lambda{}-seed{}{}", dataset, spec.lambda, spec.seed, of_another(dataset, spec));
    case RunKind::side_by_side:
      return fmt::format("{}-adversary-lambda{}-seed{}-member{}of{}{}", dataset, spec.lambda, spec.seed, spec.member,
                         spec.members, of_another(dataset, spec));
    case RunKind::perturbation:
      return fmt::format("{}-perturbation-seed{}{}", dataset, spec.seed, of_another(dataset, spec));
    case RunKind::attribution:
      return fmt::format("{}-attribution-{}{}-seed{}{}", dataset, to_string(spec.measure), splits_in_name(spec.splits),
                         spec.seed, of_another(dataset, spec));
    default:
      return fmt::format("{}-{}-{}-seed{}", dataset, to_string(encoder_of(spec.kind)),
                         to_string(attention_of(spec.kind)), spec.seed);
  }
}

std::optional<RunSpec> parse_run_name(const std::string& dataset, std::string_view name) {
  RunSpec spec;
  std::string_view rest = name;
  if (!take(rest, dataset) || !take(rest, "-") || !take_spec(dataset, rest, spec)) return std::nullopt;
  // A number may be written in several ways (010, 1e-3), but the name of a run has only one.
  return run_name(dataset, spec) == name ? std::optional(spec) : std::nullopt;
}

nlohmann::json choices_of(const RunSpec& spec) {
  nlohmann::json choices = {
      {"encoder", to_string(encoder_of(spec))}, {"attention", to_string(attention_of(spec))}, {"seed", spec.seed}};
  if (is_adversary(spec.kind)) choices.update({{"objective", "adversary"}, {"lambda", spec.lambda}});
  if (spec.kind == RunKind::side_by_side) choices.update({{"side_by_side", spec.members}, {"member", spec.member}});
  if (spec.kind == RunKind::perturbation) choices["perturbation"] = true;
  if (spec.kind == RunKind::attribution) {
    choices["attribution"] = to_string(spec.measure);
    for (const SplitName split : spec.splits) choices["splits"].push_back(to_string(split));
    if (spec.model == RunKind::adversary) choices["objective"] = "adversary";
  }
  if (needs_another(spec.kind)) choices["other"] = spec.other;
  return choices;
}

RunSpec spec_of(const nlohmann::json& choices) {
  RunSpec spec{.kind = RunKind::base, .seed = choices.at("seed"), .other = choices.value("other", "")};
  const bool attribution = choices.contains("attribution"), adversary = choices.value("objective", "") == "adversary";
  const RunKind trained = adversary ? RunKind::adversary : trained_kind(choices.at("encoder"), choices.at("attention"));
  if (attribution) {
    spec.kind = RunKind::attribution;
    spec.model = trained;
    spec.measure = measure_named(choices.at("attribution").get<std::string>()).value_or(spec.measure);
    spec.splits = splits_of(choices.at("splits"));
  } else if (choices.value("perturbation", false) && !adversary) {
    spec.kind = RunKind::perturbation;
  } else {
    spec.kind = trained;
    if (adversary) spec.lambda = choices.at("lambda");
    if (choices.contains("side_by_side")) {
      spec.kind = RunKind::side_by_side;
      spec.members = choices.at("side_by_side");
      spec.member = choices.at("member");
    }
  }
  return spec;
}

}  // namespace notnot
