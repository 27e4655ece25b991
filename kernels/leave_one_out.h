#pragma once
// Leave-one-out from stored states: what a text's attention sums to when one of its words is deleted and everything is
// computed anew. Deleting word n of N leaves the forward states of the tokens before it and the backward states of the
// tokens behind it as they are. So the forward direction runs on from the state of token n - 1 over the words n + 1..N,
// and the backward direction from the state of token n + 1 over the words n - 1..1 (BiLstmForward::initial_states). The
// states of <EOS> forward and of <SOS> backward are never read.
//
// The forward run of deletion n has N - n words, as many as the backward run of deletion n' = N + 1 - n. Both together
// are one sequence of a ragged batch: a *run*. A text has the runs of 1 to N - 1 tokens.
//
// Each word m that is kept has one changed half: its forward half where m > n, its backward half where m < n. With the
// halves h = [f, b] and W_a = [W_f, W_b]:
//   u_m = v . tanh(W_f f_m + W_b b_m + b_a),  c_m = w_f . f_m + w_b . b_m.
// The sums of a run and direction are those over its words, relative to their largest score; the two of a deletion are
// put together by AttentionSums::merge, and z without n = b + products / weights, or b where there is no word
// (leave_one_out_math.h).
#include "kernels/attention_head.h"
#include "kernels/base/operation.h"
#include "kernels/base/ragged.h"

namespace notnot {

/// Sums over some words of a text with the scores u and the contributions c.
struct AttentionSums {
  double largest = -static_cast<double>(__builtin_inff());  ///< max u; minus infinity: no word
  double weights = 0;                                       ///< sum e^(u - largest)
  double products = 0;                                      ///< sum e^(u - largest) c
};

struct LeaveOneOutSums {
  int32_t sequences = 0;                        ///< S runs
  int32_t tokens = 0;                           ///< V, of all runs
  int32_t text_tokens = 0;                      ///< N, of the batch of texts
  int32_t hidden = 0;                           ///< H per direction
  int32_t attention_width = 0;                  ///< A; only learned
  AttentionKind kind = AttentionKind::learned;  ///< or uniform, with u = 0
  Span<const int32_t> offsets;                  ///< [S + 1] run s is the tokens offsets[s] .. offsets[s + 1] - 1
  /// [S, 2] the token of a text that is the run's first token in each direction; its other ones follow that one
  Span<const int32_t> first_token;
  Span<const float> states;          ///< [V, 2, H] changed halves
  Span<const float> projected;       ///< [2, padded_rows(V), A] W_f f and W_b b of them; only learned, as the next four
  Span<const float> text_projected;  ///< [2, padded_rows(N), A] of the texts' own states
  Span<const float> attention_bias;  ///< [A] b_a
  Span<const float> attention_vector;  ///< [A] v
  Span<const float> text_states;       ///< [N, 2, H] the texts' own states
  Span<const float> output_weight;     ///< [2 H] w
  Span<AttentionSums> sums;            ///< out [S, 2]

  void check() const {
    NOTNOT_CHECK(sequences > 0 && tokens >= sequences && text_tokens > 0 && hidden > 0,
                 "{} runs of {} tokens, {} tokens of texts, H {}", sequences, tokens, text_tokens, hidden);
    NOTNOT_CHECK(kind != AttentionKind::given, "a text without a word has no attention that was given");
    NOTNOT_CHECK_SIZE(offsets, sequences + 1);
    NOTNOT_CHECK_SIZE(first_token, int64_t{2} * sequences);
    NOTNOT_CHECK_SIZE(states, int64_t{tokens} * 2 * hidden);
    NOTNOT_CHECK_SIZE(text_states, int64_t{text_tokens} * 2 * hidden);
    NOTNOT_CHECK_SIZE(output_weight, int64_t{2} * hidden);
    NOTNOT_CHECK_SIZE(sums, int64_t{2} * sequences);
    if (kind != AttentionKind::learned) return;
    NOTNOT_CHECK(attention_width > 0, "A {}", attention_width);
    NOTNOT_CHECK_SIZE(projected, 2 * padded_rows(tokens) * attention_width);
    NOTNOT_CHECK_SIZE(text_projected, 2 * padded_rows(text_tokens) * attention_width);
    NOTNOT_CHECK_SIZE(attention_bias, attention_width);
    NOTNOT_CHECK_SIZE(attention_vector, attention_width);
  }
};
NOTNOT_OPERATION(leave_one_out_sums, LeaveOneOutSums)

}  // namespace notnot
