#pragma once
// The runs of the paper's tests on one data set: how they differ from each other, and their names.
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/data/split_name.h"
#include "engine/runs/attributions.h"
#include "models/parameters.h"

namespace notnot {

enum class RunKind : uint8_t {
  base,          ///< BiLSTM, learned attention (paper section 3.1)
  uniform,       ///< BiLSTM, uniform attention (3.2)
  trained_mlp,   ///< token-level encoder, learned attention (3.4)
  uniform_mlp,   ///< token-level encoder, uniform attention (3.4)
  guided_mlp,    ///< token-level encoder, another model's attention (3.4)
  adversary,     ///< BiLSTM that keeps a base model's predictions and moves away from its attention (4)
  side_by_side,  ///< one of several adversaries of a base model that move away from each other, too
  perturbation,  ///< a base model whose attention is permuted, and replaced text by text (Jain & Wallace 2019)
  attribution,   ///< how much each word matters to a model, by one measure (models/README.md, "Attributions")
};

struct RunSpec {
  RunKind kind = RunKind::base;
  uint64_t seed = 10;
  double lambda = 0;  ///< only for an adversary, side by side or not: the weight of the divergence in its loss
  /// Only for adversaries side by side: how many there are, and which of them, from 1, this run trains.
  int32_t members = 0, member = 0;
  /// Only for a guided_mlp, an adversary (side by side or not), a perturbation and an attribution: the name (run_name)
  /// of the run whose attention or model it needs. A guided_mlp may instead have the label of attention that another
  /// program made (ExternalGuide).
  std::string other;

  // Only for an attribution.
  /// The kind of `other`, one that is_attributable; `adversary` for one side by side, too.
  RunKind model = RunKind::base;
  Measure measure = Measure::attention;
  std::vector<SplitName> splits = {SplitName::test};  ///< at least one, in the order of kSplitNames

  bool operator==(const RunSpec&) const = default;
};

/// The model that a run of this kind trains; for a perturbation, the model that it perturbs. Not for an attribution.
Encoder encoder_of(RunKind kind);
AttentionKind attention_of(RunKind kind);
/// The same for any run; for an attribution, the model that it looks at.
Encoder encoder_of(const RunSpec& spec);
AttentionKind attention_of(const RunSpec& spec);

/// Whether a run of this kind is an adversary, alone or side by side.
bool is_adversary(RunKind kind);

/// The members of the run's group, which train together, in their order; of another run, the run alone.
std::vector<RunSpec> group_of(const RunSpec& spec);

/// The seed of a run's initial parameters: that of the run; but of the second member of a group on, one of its own, as
/// equal models have equal gradients and stay equal.
uint64_t initial_seed(const RunSpec& spec);

/// Whether a run of this kind needs the attention or the model of another one.
bool needs_another(RunKind kind);

/// Whether a run of this kind trains a model; the others look at one that is finished.
bool trains(RunKind kind);

/// Whether a run of this kind has a model with an attention of its own, whose words can be attributed. Attention that
/// is given stays the same when a word is deleted, or does not sum to 1: what a word is worth is not defined then.
bool is_attributable(RunKind kind);

/// The attribution of the words of the model of the run `of`, which is_attributable, with that run's seed.
RunSpec attribution_of(const std::string& dataset, const RunSpec& of, Measure measure, std::vector<SplitName> splits);

/// The name of the run, also of its folder: sst-lstm-learned-seed10, sst-lstm-uniform-seed10,
/// sst-tokens-learned-seed10, sst-tokens-uniform-seed10, sst-tokens-given-seed10-by-adversary-lambda0.001-seed10,
/// sst-adversary-lambda0.001-seed10, sst-adversary-lambda0.001-seed10-member2of3 (of three side by side),
/// sst-perturbation-seed10. If an adversary or a perturbation belongs to a base model of another seed, its name ends
/// with that model: sst-adversary-lambda0.001-seed10-of-lstm-learned-seed50. So does that of an attribution, which is
/// sst-attribution-leave-one-out-seed10 for the test split alone, and otherwise has the splits, too:
/// sst-attribution-leave-one-out-train-dev-test-seed10. Lambda has the fewest digits that give it back, so that no two
/// lambdas share a name.
std::string run_name(const std::string& dataset, const RunSpec& spec);

/// The opposite of run_name; nothing when `name` is not the name of a run on the data set.
std::optional<RunSpec> parse_run_name(const std::string& dataset, std::string_view name);

/// The spec's share of `choices` in config.json: encoder, attention, seed; `objective` and `lambda` for an adversary,
/// and `side_by_side` and `member` if it is one of several; `perturbation` (true) for a perturbation; `attribution` (the
/// measure) and `splits` for an attribution, and `objective` if it looks at an adversary; `other` where it needs another
/// run.
nlohmann::json choices_of(const RunSpec& spec);
/// The opposite of choices_of. Throws nlohmann::json::exception if a key is missing or has another type.
RunSpec spec_of(const nlohmann::json& choices);

}  // namespace notnot
