#pragma once
// The per-instance adversary of Jain & Wallace (2019, section 4.2.2; paper section 4.1). For one text it searches K
// attention vectors that differ as much as possible from the model's attention and from each other, while the
// prediction hardly moves. Hidden states and output layer are frozen, so a text is one number per word, its
// contribution w . h_n:
//   alpha_k = softmax(x_k) over the words,  p_k = sigmoid(b + sum_n alpha_kn (w . h_n)),
//   loss = sum_k [ hinge max(0, |p_k - p| - tolerance) - JSD(alpha_k, alpha) ]
//          - (1 / K^2) sum_jk JSD(alpha_j, alpha_k).
// JSD is the Jensen-Shannon divergence with the released code's logarithm, log(x + 1e-10). With g(x) = x log(x + 1e-10)
//   JSD(a, b) = sum_n [ g(a_n) + g(b_n) ] / 2 - g((a_n + b_n) / 2),
//   dJSD / da_n = [ g'(a_n) - g'((a_n + b_n) / 2) ] / 2,
// so all gradients are closed forms (instance_adversary_math.h). One launch takes all texts through all steps of Adam
// with AMSGrad and without decay (adam.h).
#include "kernels/adam_math.h"
#include "kernels/base/operation.h"

namespace notnot {

inline constexpr int32_t kMaxAdversaries = 8;
inline constexpr int32_t kWordPadding = 16;  ///< words by which the CPU may round up a text's arrays

/// Floats of state: per adversary and word the free vector, three moments, the attention and its gradient; per word its
/// contribution and the model's attention.
constexpr int64_t instance_adversary_state(int32_t adversaries) { return 6 * int64_t{adversaries} + 2; }
constexpr int64_t instance_adversary_workspace(int32_t adversaries, int64_t sequences, int64_t tokens) {
  return instance_adversary_state(adversaries) * (tokens + kWordPadding * sequences);
}

struct InstanceAdversary {
  int32_t sequences = 0;                 ///< B
  int32_t tokens = 0;                    ///< N
  int32_t longest = 0;                   ///< tokens of the longest sequence
  int32_t adversaries = 0;               ///< K, 1 to kMaxAdversaries
  int32_t steps = 0;                     ///< of Adam; with 0 the starts are only evaluated
  float hinge = 500;                     ///< weight of a change of p beyond the tolerance
  float tolerance = 0.01F;               ///< change of p that costs nothing
  Span<const int32_t> offsets;           ///< [B + 1] as in RaggedBatch, but sequences may stand in any order of length
  Span<const AdamStepScalars> scalars;   ///< [steps] see adam_step_scalars
  Span<const float> contributions;       ///< [N] w . h_n
  Span<const float> output_bias;         ///< [1] b
  Span<const float> base_log_attention;  ///< [N] log alpha of the model
  Span<const float> base_probability;    ///< [B] p of the model
  Span<float> log_attention;             ///< in: x_k [K, N], finite; out: log alpha_k, -infinity at boundary tokens
  Span<float> probability;               ///< out [K, B] p_k
  Span<float> divergence;                ///< out [K, B] JSD(alpha_k, alpha)
  Span<float> workspace;                 ///< [instance_adversary_workspace(K, B, N)]

  void check() const {
    NOTNOT_CHECK(sequences > 0 && tokens >= 3 * sequences && longest <= tokens && steps >= 0,
                 "{} sequences, {} tokens, longest {}, {} steps", sequences, tokens, longest, steps);
    NOTNOT_CHECK(adversaries > 0 && adversaries <= kMaxAdversaries, "{} adversaries; at most {} are supported",
                 adversaries, kMaxAdversaries);
    NOTNOT_CHECK_SIZE(offsets, sequences + 1);
    NOTNOT_CHECK_SIZE(scalars, steps);
    NOTNOT_CHECK_SIZE(contributions, tokens);
    NOTNOT_CHECK_SIZE(output_bias, 1);
    NOTNOT_CHECK_SIZE(base_log_attention, tokens);
    NOTNOT_CHECK_SIZE(base_probability, sequences);
    NOTNOT_CHECK_SIZE(log_attention, int64_t{adversaries} * tokens);
    NOTNOT_CHECK_SIZE(probability, int64_t{adversaries} * sequences);
    NOTNOT_CHECK_SIZE(divergence, int64_t{adversaries} * sequences);
    NOTNOT_CHECK_SIZE(workspace, instance_adversary_workspace(adversaries, sequences, tokens));
  }
};
NOTNOT_OPERATION(instance_adversary, InstanceAdversary)

}  // namespace notnot
