#pragma once
// The whole model above the encoder in one operation: additive attention (Bahdanau et al. 2014; paper section 3.1), the
// weighted context, the logit, and in training the loss with its gradient in the same pass over each sequence.
//   u_n = v . tanh(W_a h_n + b_a),  alpha = softmax over the sequence's word tokens (first and last token: exactly 0),
//   context = sum_n alpha_n h_n,  logit = w . context + b,  p = sigmoid(logit).
// Attention is kept as logarithms, so that a weight that underflows to 0 never makes an infinity in KL.
#include <algorithm>

#include "kernels/base/operation.h"
#include "kernels/base/ragged.h"
#include "kernels/gemm.h"
#include "kernels/matrix.h"

namespace notnot {

enum class AttentionKind : uint8_t {
  learned,  ///< additive attention
  uniform,  ///< 1 / (number of word tokens): paper section 3.2
  given,    ///< weights from another model, `given_log_attention`: the guides of paper section 3.4
};

struct AttentionHeadForward {
  RaggedBatch batch;
  int32_t width = 0;            ///< D, width of a hidden state
  int32_t attention_width = 0;  ///< A
  AttentionKind kind = AttentionKind::learned;
  Span<const float> hidden;                       ///< [padded_rows(N), D]
  Span<const float> attention_weight_transposed;  ///< [D, A] attn1.weight^T; only learned, as the next two
  Span<const float> attention_bias;               ///< [A] attn1.bias
  Span<const float> attention_vector;             ///< [A] attn2.weight, v
  Span<const float> output_weight;                ///< [D] linear_1.weight, w
  Span<const float> output_bias;                  ///< [1] linear_1.bias, b
  Span<const float> given_log_attention;          ///< [N] natural logs, -infinity at boundary tokens; only given
  Span<float> activation;                         ///< out [padded_rows(N), A] tanh(W_a h + b_a); only learned
  Span<float> log_attention;                      ///< out [N] log alpha, -infinity at boundary tokens
  Span<float> context;                            ///< out [B, D]
  Span<float> logit;                              ///< out [B]
  Span<float> probability;                        ///< out [B]

  void check() const {
    batch.check_texts();
    NOTNOT_CHECK(width > 0, "D {}", width);
    NOTNOT_CHECK_SIZE(hidden, padded_rows(batch.tokens) * width);
    NOTNOT_CHECK_SIZE(output_weight, width);
    NOTNOT_CHECK_SIZE(output_bias, 1);
    NOTNOT_CHECK_SIZE(log_attention, batch.tokens);
    NOTNOT_CHECK_SIZE(context, int64_t{batch.sequences} * width);
    NOTNOT_CHECK_SIZE(logit, batch.sequences);
    NOTNOT_CHECK_SIZE(probability, batch.sequences);
    if (kind == AttentionKind::given) NOTNOT_CHECK_SIZE(given_log_attention, batch.tokens);
    if (kind != AttentionKind::learned) return;
    NOTNOT_CHECK(attention_width > 0, "A {}", attention_width);
    NOTNOT_CHECK_SIZE(attention_weight_transposed, int64_t{width} * attention_width);
    NOTNOT_CHECK_SIZE(attention_bias, attention_width);
    NOTNOT_CHECK_SIZE(attention_vector, attention_width);
    NOTNOT_CHECK_SIZE(activation, padded_rows(batch.tokens) * attention_width);
  }
};
NOTNOT_OPERATION(attention_head_forward, AttentionHeadForward)

enum class Objective : uint8_t {
  /// loss_i = w_i (softplus(logit) - y logit), w_i = positive_weight if y = 1, otherwise 1 (paper section 3.1)
  classify,
  /// loss_i = scale (tvd_factor |p - p_base| - lambda KL(alpha || alpha_base)) (paper section 4), sign(0) = 0. Of
  /// `members` adversaries side by side each loses lambda JSD as well, the mean of JSD(alpha, alpha_other) over the
  /// others.
  adversary,
  /// loss_i = logit_i: no training, but the derivative of the model itself, which attributions need
  logit
};

/// Forward, loss and dhidden; then add_head_gradients computes the gradients of the parameters. `forward.activation` is
/// overwritten: it holds d(W_a h + b_a) afterwards, zero in the batch's slack. The gradients of adversaries side by
/// side are those of the sum of all members' losses: a JSD stands in the losses of both members of its pair.
struct AttentionHeadTrain {
  AttentionHeadForward forward;
  Objective objective = Objective::classify;
  float positive_weight = 1;             ///< classify
  Span<const int32_t> labels;            ///< [B] 0 or 1; classify
  float tvd_factor = 0.5F, lambda = 0;   ///< adversary: 0.5 for one output, 1 for two classes; weight of KL
  Span<const float> scale;               ///< [1] adversary: W = sum w_i of the batch; on the device as batches differ
  Span<const float> base_probability;    ///< [B] adversary
  Span<const float> base_log_attention;  ///< [N] adversary, -infinity at boundary tokens
  int32_t members = 1, member = 0;       ///< adversary: how many train side by side, and which of them this one is
  /// [members, N] the log attention of all members, from attention_head_forward with their parameters of this step;
  /// only if there are several. The member's own row is not read.
  Span<const float> group_log_attention;
  Span<const float> attention_weight;  ///< [A, D] attn1.weight; only learned
  Span<float> loss;                    ///< out [B] loss_i
  Span<float> divergence;              ///< out [B] KL(alpha || alpha_base), natural log; adversary
  Span<float> peer_divergence;         ///< out [B] mean JSD from the other members; only if there are several
  Span<float> dlogit;                  ///< out [B]
  Span<float> dscore;                  ///< out [N] du, gradient of the attention logits; only learned
  Span<float> dhidden;                 ///< out [padded_rows(N), D]
  Span<float> dattention_weight;       ///< [A, D]; only learned, as the next two. add_head_gradients adds to all five
  Span<float> dattention_bias;         ///< [A]
  Span<float> dattention_vector;       ///< [A]
  Span<float> doutput_weight;          ///< [D]
  Span<float> doutput_bias;            ///< [1]
  /// [B, A] if attention is learned; with add_head_gradients [attention_head_workspace(B, N, D, A)]
  Span<float> workspace;

  void check() const;
  void check_gradients() const;  ///< what add_head_gradients needs, too
};

/// Floats for each sequence's part of dattention_vector (B x A), and for the column sums.
constexpr int64_t attention_head_workspace(int64_t sequences, int64_t tokens, int64_t width, int64_t attention_width) {
  return sequences * attention_width + column_sum_workspace(tokens, attention_width) +
         column_sum_workspace(sequences, std::max(width, attention_width));
}

inline void AttentionHeadTrain::check() const {
  forward.check();
  const int64_t n = forward.batch.tokens, b = forward.batch.sequences, d = forward.width, a = forward.attention_width;
  NOTNOT_CHECK_SIZE(loss, b);
  NOTNOT_CHECK_SIZE(dlogit, b);
  NOTNOT_CHECK_SIZE(dhidden, padded_rows(n) * d);
  if (objective == Objective::classify) {
    NOTNOT_CHECK_SIZE(labels, b);
  } else if (objective == Objective::adversary) {
    NOTNOT_CHECK(forward.kind == AttentionKind::learned, "an adversary learns its attention");
    NOTNOT_CHECK_SIZE(scale, 1);
    NOTNOT_CHECK_SIZE(base_probability, b);
    NOTNOT_CHECK_SIZE(base_log_attention, n);
    NOTNOT_CHECK_SIZE(divergence, b);
    NOTNOT_CHECK(0 <= member && member < members, "member {} of {}", member, members);
    if (members > 1) NOTNOT_CHECK_SIZE(group_log_attention, members * n);
    if (members > 1) NOTNOT_CHECK_SIZE(peer_divergence, b);
  }
  if (forward.kind != AttentionKind::learned) return;
  NOTNOT_CHECK_SIZE(attention_weight, a * d);
  NOTNOT_CHECK_SIZE(dscore, n);
  NOTNOT_CHECK_SIZE(workspace, b * a);
}
inline void AttentionHeadTrain::check_gradients() const {
  check();
  const int64_t n = forward.batch.tokens, b = forward.batch.sequences, d = forward.width, a = forward.attention_width;
  NOTNOT_CHECK_SIZE(doutput_weight, d);
  NOTNOT_CHECK_SIZE(doutput_bias, 1);
  NOTNOT_CHECK_SIZE(workspace, attention_head_workspace(b, n, d, a));
  if (forward.kind != AttentionKind::learned) return;
  NOTNOT_CHECK_SIZE(dattention_weight, a * d);
  NOTNOT_CHECK_SIZE(dattention_bias, a);
  NOTNOT_CHECK_SIZE(dattention_vector, a);
}
NOTNOT_OPERATION(attention_head_train, AttentionHeadTrain)

/// The gradients of all parameters, which attention_head_train leaves out, so that they can be computed beside what the
/// gradient of `hidden` is needed for. It reads what that operation leaves: context, dlogit, the gradients in
/// `activation`, and in the workspace each sequence's part of dattention_vector [B, A].
void add_head_gradients(const Device& device, const AttentionHeadTrain& args);

// The parts of both operations that are other operations, before and after the pass over each sequence.
/// activation = W_a h for all tokens, where attention is learned. Bias and tanh follow in the pass.
void multiply_hidden(const Device& device, const AttentionHeadForward& args);
/// dhidden += W_a^T d(W_a h + b_a), where attention is learned.
void add_to_dhidden(const Device& device, const AttentionHeadTrain& args);

}  // namespace notnot
