#pragma once
// The attention that a run writes, and the distance of two models: of their predictions and of their attention.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/math/divergence.h"

namespace notnot {

/// attention_SPLIT.safetensors: tensors `log_attention`, `offsets`, `probability`, `label`, `row`. Where the data set
/// has ids, other programs find them there, too: text i has the bytes id_offsets[i] .. id_offsets[i+1] of `id` (U8). Where
/// it has groups, there is `group`, too.
struct Attention {
  std::vector<float> log_attention;  ///< [tokens] natural log; -inf for the first and last token of every text
  std::vector<int64_t> offsets;      ///< [size + 1] text i has the tokens offsets[i] .. offsets[i+1]
  std::vector<float> probability;    ///< [size] of class 1
  std::vector<int32_t> label;        ///< [size] 0 or 1
  std::vector<int64_t> row;          ///< [size] LabelledText::row
  std::vector<int64_t> group = {};   ///< [size] LabelledText::group; empty where no text of the data set has one

  int32_t size() const { return static_cast<int32_t>(label.size()); }
};

/// The exact adversary of every text (kernels/exact_adversary.h) for E allowed changes of its probability: the tensors
/// `exact_epsilon`, `exact_jsd`, `exact_probability`, `exact_word` and `exact_weight` of perturbation.safetensors.
struct ExactAdversaries {
  std::vector<double> epsilon;     ///< [E] |p' - p| may be at most this; ascending, above 0, at most 1
  std::vector<float> jsd;          ///< [E, size] of its attention from the model's, 0 to ln 2; no other has more
  std::vector<float> probability;  ///< [E, size] p', of class 1
  std::vector<int32_t> word;       ///< [E, size, 2] the words that have weight: their places in the text, from 0
  std::vector<float> weight;  ///< [E, size, 2] their weights, with the sum 1; a single word stands twice, with 1, 0

  bool empty() const { return epsilon.empty(); }
};

/// perturbation.safetensors, perturbations of a split's attention, the first two of them Jain & Wallace's: a tensor per
/// member, under its name. Made by models/perturbation.h.
struct Perturbations {
  std::vector<float> permutation_change;       ///< [size] median |change of p| when the weights are permuted, 0 to 1
  std::vector<float> adversary_jsd;            ///< [size] between the adversary's attention and the model's, 0 to ln 2
  std::vector<float> adversary_tvd;            ///< [size] 0.5 |change of p|, 0 to 0.5
  std::vector<float> adversary_probability;    ///< [size] of class 1
  std::vector<float> adversary_log_attention;  ///< [tokens] as Attention::log_attention
  std::vector<int64_t> offsets;                ///< [size + 1] the last three as in Attention
  std::vector<int32_t> label;                  ///< [size]
  std::vector<int64_t> row;                    ///< [size]
  ExactAdversaries exact = {};                 ///< empty in the runs of earlier versions, which had none

  int32_t size() const { return static_cast<int32_t>(label.size()); }
};

/// ablation.safetensors: what the model of a run on the planted corpus says of the test texts when some of their words
/// are replaced by filler (engine/corpora/planted_ablation.h); a tensor per member, under its name.
struct Ablation {
  std::vector<float> without_evidence;  ///< [size] probability of class 1 without the words that decide
  std::vector<float> without_others;    ///< [size] the same without as many other words
};

/// guide_controls.safetensors: what a model that attention guides says of the test texts when their words have other
/// weights than the guide's (models/guide_controls.h); a tensor per member, under its name.
struct GuideControls {
  std::vector<float> permuted_weights;  ///< [size] probability of class 1 with the guide's, dealt out anew in each text
  std::vector<float> equal_weights;     ///< [size] the same with equal weights
};

/// The arrays of an Attention, wherever they lie.
struct AttentionView {
  std::span<const float> log_attention;
  std::span<const int64_t> offsets;
  std::span<const float> probability;
  std::span<const int32_t> label;
  std::span<const int64_t> row;
};
/// What is wrong with `view`; empty when nothing is. Offsets must fit, labels must be 0 or 1, probabilities must lie in
/// [0, 1], boundary tokens must have no attention, and the weights of every text must sum to 1.
std::string fault(const AttentionView& view);
/// The first of these alone, for other numbers per token than weights: offsets must fit `log_attention`, of which
/// nothing but the size counts, labels must be 0 or 1, and probabilities must lie in [0, 1].
std::string fault_of_texts(const AttentionView& view);
/// As above, for perturbations: the three measures must lie in the ranges that Perturbations names, too, and the exact
/// adversaries, if there are any, must be as ExactAdversaries says.
std::string fault(const Perturbations& perturbations);
/// As above: both have a probability per text.
std::string fault(const Ablation& ablation);
std::string fault(const GuideControls& controls);

/// The distance of two models on the same texts: tvd = tvd_factor |p_a - p_b|, and the JSD of their attention. Throws
/// InputError when the two were not computed on the same texts.
Divergences divergences(const Attention& a, const Attention& b, double tvd_factor);

}  // namespace notnot
