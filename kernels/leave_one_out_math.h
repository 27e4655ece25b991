#pragma once
// The sums of leave_one_out.h, word by word, and the place of a word in a run.
#include "kernels/base/math.h"
#include "kernels/leave_one_out.h"

namespace notnot {

/// Adds a word.
NOTNOT_HD void add_word(AttentionSums& sums, float score, float contribution) {
  if (double{score} > sums.largest) {
    const double factor = exponential(sums.largest - double{score});
    sums.weights *= factor;
    sums.products *= factor;
    sums.largest = score;
  }
  const double weight = exponential(score - static_cast<float>(sums.largest));
  sums.weights += weight;
  sums.products += weight * double{contribution};
}

/// The sums over both sets of words.
NOTNOT_HD AttentionSums merge(const AttentionSums& a, const AttentionSums& b) {
  if (a.weights == 0) return b;
  if (b.weights == 0) return a;
  const double largest = a.largest > b.largest ? a.largest : b.largest;
  const double of_a = exponential(a.largest - largest), of_b = exponential(b.largest - largest);
  return {largest, of_a * a.weights + of_b * b.weights, of_a * a.products + of_b * b.products};
}

/// The logit of a text that has these words and no others.
NOTNOT_HD double logit_of(const AttentionSums& sums, double bias) {
  return sums.weights == 0 ? bias : bias + sums.products / sums.weights;
}

/// One word of a run in one direction: its rows in the run's own arrays, and, of the other direction, in the text's.
struct KeptWord {
  const float *state, *text_state;          // [H]
  const float *projected, *text_projected;  // [A]
};
/// Token `t` of a run, in one direction.
NOTNOT_HD KeptWord kept_word(const LeaveOneOutSums& args, int32_t sequence, int32_t direction, int32_t t) {
  const int64_t token = int64_t{args.offsets[sequence]} + t, other = 1 - direction;
  const int64_t text_token = int64_t{args.first_token[int64_t{sequence} * 2 + direction]} + t;
  const int64_t row = direction * padded_rows(args.tokens) + token;
  const int64_t text_row = other * padded_rows(args.text_tokens) + text_token;
  return {args.states.data + (token * 2 + direction) * args.hidden,
          args.text_states.data + (text_token * 2 + other) * args.hidden,
          args.projected.data + row * args.attention_width, args.text_projected.data + text_row * args.attention_width};
}

}  // namespace notnot
