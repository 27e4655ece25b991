#include "experiments/study/run_spec.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace notnot {
namespace {

struct Parts {
  const char *encoder, *attention;
};

Parts parts_of(RunKind kind) {
  switch (kind) {
    case RunKind::uniform:
      return {"lstm", "uniform"};
    case RunKind::trained_mlp:
      return {"tokens", "learned"};
    case RunKind::uniform_mlp:
      return {"tokens", "uniform"};
    case RunKind::guided_mlp:
      return {"tokens", "given"};
    case RunKind::base:
    case RunKind::adversary:
    case RunKind::perturbation:
      break;
  }
  return {"lstm", "learned"};
}

/// The other run's name without the data set, which it shares.
std::string short_name(const std::string& dataset, const std::string& name) {
  return name.starts_with(dataset + "-") ? name.substr(dataset.size() + 1) : name;
}

/// Says which model a run attacks or perturbs, unless it is the base model of its own seed.
std::string of_another(const std::string& dataset, const RunSpec& spec) {
  const RunSpec own{.kind = RunKind::base, .seed = spec.seed, .lambda = 0, .other = {}};
  return spec.other == run_name(dataset, own) ? "" : "-of-" + short_name(dataset, spec.other);
}

}  // namespace

std::string run_name(const std::string& dataset, const RunSpec& spec) {
  switch (spec.kind) {
    case RunKind::guided_mlp:
      return fmt::format("{}-tokens-given-seed{}-by-{}", dataset, spec.seed, short_name(dataset, spec.other));
    case RunKind::adversary:
      return fmt::format("{}-adversary-lambda{:g}-seed{}{}", dataset, spec.lambda, spec.seed,
                         of_another(dataset, spec));
    case RunKind::perturbation:
      return fmt::format("{}-perturbation-seed{}{}", dataset, spec.seed, of_another(dataset, spec));
    default:
      break;
  }
  const auto [encoder, attention] = parts_of(spec.kind);
  return fmt::format("{}-{}-{}-seed{}", dataset, encoder, attention, spec.seed);
}

bool needs_another(RunKind kind) {
  return kind == RunKind::guided_mlp || kind == RunKind::adversary || kind == RunKind::perturbation;
}

nlohmann::json choices_of(const RunSpec& spec) {
  const auto [encoder, attention] = parts_of(spec.kind);
  nlohmann::json choices = {{"encoder", encoder}, {"attention", attention}, {"seed", spec.seed}};
  if (spec.kind == RunKind::adversary) choices.update({{"objective", "adversary"}, {"lambda", spec.lambda}});
  if (spec.kind == RunKind::perturbation) choices["perturbation"] = true;
  if (needs_another(spec.kind)) choices["other"] = spec.other;
  return choices;
}

RunSpec spec_of(const nlohmann::json& choices) {
  RunSpec spec{.kind = RunKind::base, .seed = choices.at("seed"), .lambda = 0, .other = choices.value("other", "")};
  const std::string encoder = choices.at("encoder"), attention = choices.at("attention");
  if (choices.value("objective", "") == "adversary") {
    spec.kind = RunKind::adversary;
    spec.lambda = choices.at("lambda");
  } else if (choices.value("perturbation", false)) {
    spec.kind = RunKind::perturbation;
  } else {
    for (const RunKind kind : {RunKind::uniform, RunKind::trained_mlp, RunKind::uniform_mlp, RunKind::guided_mlp}) {
      const Parts parts = parts_of(kind);
      if (encoder == parts.encoder && attention == parts.attention) spec.kind = kind;
    }
  }
  return spec;
}

}  // namespace notnot
