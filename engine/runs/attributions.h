#pragma once
// What a run of the kind `attribution` writes: how much each word of a text matters to a model's prediction, by one
// measure. Formulas and sources: models/README.md, "Attributions".
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace notnot {

enum class Measure : uint8_t {
  attention,              ///< alpha_n itself
  contribution,           ///< alpha_n w . h_n, the word's share of the logit
  input_x_gradient_held,  ///< the gradient times the embedding, with attention held constant (Jain & Wallace 2019)
  input_x_gradient,       ///< the same with the gradient of the whole model
  gradient_norm_held,     ///< the length of the gradient, with attention held constant
  gradient_norm,          ///< the length of the gradient of the whole model
  integrated_gradients,   ///< Sundararajan et al. 2017, from zero vectors of the words
  leave_one_out,          ///< the change when the word is deleted
  random,                 ///< an order drawn at random: what the others must beat
};
inline constexpr std::array kMeasures = {Measure::attention,
                                         Measure::contribution,
                                         Measure::input_x_gradient_held,
                                         Measure::input_x_gradient,
                                         Measure::gradient_norm_held,
                                         Measure::gradient_norm,
                                         Measure::integrated_gradients,
                                         Measure::leave_one_out,
                                         Measure::random};

/// As users write it: attention, contribution, input-x-gradient-held, input-x-gradient, gradient-norm-held,
/// gradient-norm, integrated-gradients, leave-one-out, random.
std::string_view to_string(Measure measure);
/// The opposite; nothing for another word.
std::optional<Measure> measure_named(std::string_view name);

/// Whether a score may be below 0: it is then one for class 0.
bool is_signed(Measure measure);

/// attribution_SPLIT.safetensors: the scores of the words of a split by one measure, a tensor per member under its
/// name; those of `integration_probability` are `integration_probability/nodes` and so on, and missing where they are
/// empty. Where the data set has ids, `id_offsets` and `id` are there, too, as with Attention. A score is positive where the word speaks for class 1, except for
/// attention, norms and random, which are never negative. Boundary tokens have NaN.
struct Attributions {
  std::vector<float> score_probability;  ///< [tokens] of p; equals score_logit for attention, contribution and random
  std::vector<float> score_logit;        ///< [tokens] of the logit
  std::vector<float> probability;        ///< [size] p of class 1, of the whole text
  std::vector<float> logit;              ///< [size]
  /// Of integrated gradients alone, of p and of the logit, otherwise empty: how many nodes the integral has, by how
  /// much the scores miss the difference that they should sum to, and whether that is below 0.01.
  struct Integration {
    std::vector<int32_t> nodes;      ///< [size]
    std::vector<float> error;        ///< [size]
    std::vector<int32_t> converged;  ///< [size] 0 or 1
  };
  Integration integration_probability, integration_logit;
  std::vector<int64_t> offsets;     ///< [size + 1] the last four as in Attention
  std::vector<int32_t> label;       ///< [size]
  std::vector<int64_t> row;         ///< [size]
  std::vector<int64_t> group = {};  ///< [size], or empty

  int32_t size() const { return static_cast<int32_t>(label.size()); }
};

/// What is wrong with the scores, which are by `measure`; empty when nothing is. Offsets must fit, labels must be 0 or
/// 1, probabilities must lie in [0, 1], logits must be finite; boundary tokens must have NaN and words finite scores,
/// which are not below 0 unless is_signed; integrated gradients, and no others, must have an Integration.
std::string fault(const Attributions& attributions, Measure measure);

/// Shares of the words of a text that guide an MLP: natural log of |score_probability| over its sum; where all are 0,
/// equal shares. -infinity for a share of 0 and for boundary tokens. [tokens]
std::vector<float> log_shares(const Attributions& attributions);

}  // namespace notnot
