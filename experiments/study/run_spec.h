#pragma once
// The runs of the paper's tests on one data set: what tells them apart, and what they are called.
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "models/training.h"

namespace notnot {

enum class RunKind : uint8_t {
  base,          ///< BiLSTM, learned attention (paper section 3.1)
  uniform,       ///< BiLSTM, uniform attention (3.2)
  trained_mlp,   ///< token-level encoder, learned attention (3.4)
  uniform_mlp,   ///< token-level encoder, uniform attention (3.4)
  guided_mlp,    ///< token-level encoder, another model's attention (3.4)
  adversary,     ///< BiLSTM that keeps a base model's predictions and moves away from its attention (4)
  perturbation,  ///< a base model whose attention is permuted, and replaced instance by instance (Jain & Wallace 2019)
};

struct RunSpec {
  RunKind kind = RunKind::base;
  uint64_t seed = 10;
  double lambda = 0;  ///< adversary
  /// guided_mlp, adversary, perturbation: the run whose attention it is, as `name` gives it; or of a guide the label of
  /// attention from elsewhere.
  std::string other;

  bool operator==(const RunSpec&) const = default;
};

/// Names of runs of the data set, also of their folders: sst-lstm-learned-seed10, sst-lstm-uniform-seed10,
/// sst-tokens-learned-seed10, sst-tokens-uniform-seed10, sst-tokens-given-seed10-by-adversary-lambda0.001-seed10,
/// sst-adversary-lambda0.001-seed10, sst-perturbation-seed10; with -of-lstm-learned-seed10 behind the last two where it
/// is not the base model of their own seed.
std::string run_name(const std::string& dataset, const RunSpec& spec);

/// Whether a run of that kind needs the attention of another.
bool needs_another(RunKind kind);

/// The spec's share of config.json's `choices`: encoder, attention, seed; `objective` and `lambda` for an adversary;
/// `perturbation` (true) for a perturbation; `other` where it needs another run.
nlohmann::json choices_of(const RunSpec& spec);
/// Back from `choices`. Throws nlohmann's exceptions where they are not such choices.
RunSpec spec_of(const nlohmann::json& choices);

}  // namespace notnot
