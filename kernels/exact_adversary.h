#pragma once
// The exact adversary of a single text: of all attention vectors that move its probability by at most epsilon, the one
// that differs most from the model's. Hidden states and output layer are frozen, so a text is one number per word, its
// contribution c_n = w . h_n. Jain & Wallace (2019, section 4.2.2) search it by gradient steps (instance_adversary.h);
// here it is found:
//   max JSD(alpha, beta)  over  beta_n >= 0, sum beta = 1, |sigmoid(b + sum_n beta_n c_n) - p| <= epsilon,
// with natural logarithms and without their log(x + 1e-10).
//
// Two words. With delta_n = c_n - sum_m alpha_m c_m the condition is low <= sum_n beta_n delta_n <= high
// (logit_interval). JSD is convex in beta, so a maximum lies at a vertex of this polytope. A vertex is either one word,
// with low <= delta_n <= high, or two words i and j with delta_i < T < delta_j, T = low or high, and
//   x = T - delta_i,  y = delta_j - T,  beta_i = y / (x + y),  beta_j = x / (x + y).
// As both vectors sum to 1, JSD = ln 2 - F / 2 with F = sum_n h(alpha_n, beta_n) and
// h(a, b) = a ln(1 + b / a) + b ln(1 + a / b), which is 0 where b is: one or two terms, whatever the length. The least
// F wins; of equal ones that with the least i, then the least j, then one word, T = low, T = high.
//
// Few pairs. h grows in each argument and is concave. So if words 1 and 2 on the side of i have no more attention than
// i, and x_1 <= x_i <= x_2, then F(i, j) >= min(F(1, j), F(2, j)) for every j. Hence, going through a side's words by
// ascending (attention, n), only *records* are needed: words that set a new least or a new greatest x. Where distance
// and attention are unrelated that leaves some 2 ln N words a side. And the row of i is skipped when even the least
// attention of the other side, at both ends of its distances, costs more than what is found (row_bound). The worst
// case, attention that is monotone in the distance, remains all pairs, N^2 / 4 for each T.
//
// How much worse the second best vertex is remains unknown, as it may be a pair that was left out.
//
// Precision. Costs of pairs are fp32, as are the stored log-attentions, which make most of the error. fp64 is what
// happens once per word or once per text and epsilon, where it costs nothing that can be seen: the sum that normalises
// the attention and the mean of c (an fp32 mean of contributions of 800 moves every delta by 6e-5), the interval (a
// difference of logarithms that may be as large), T - delta_n before it is rounded, and F of the words that were found.
#include "kernels/base/operation.h"

namespace notnot {

enum class VertexKind : int32_t { single = 0, low = 1, high = 2, undefined = -1 };  // undefined: NaN in the text

/// What one text and epsilon lead to. Words count from 0 within the text, <SOS> and <EOS> not counted.
struct ExactOptimum {
  float divergence;                     ///< JSD in nats, 0 to ln 2; NaN if the text has a NaN
  int32_t word_low, word_high;          ///< i and j; equal for one word; -1 if undefined
  float weight_low, weight_high;        ///< beta_i, beta_j; both 1 for one word
  VertexKind kind;                      ///< one word, T = low or T = high
  float probability;                    ///< sigmoid(b + sum beta_n c_n)
  float lowest_change, highest_change;  ///< low < 0 < high, in the logit; infinite where epsilon reaches p = 0 or 1
  int32_t pairs;                        ///< whose F was computed, both T together; at most 2^31 - 1
};

/// A word on one side of T, and how far its delta is from T.
struct alignas(16) AdversaryRecord {
  int32_t word;
  float attention, log_attention, distance;
};
/// How many of them there is scratch memory for: a text's words, on either side, for each epsilon.
constexpr int64_t exact_adversary_records(int64_t epsilons, int64_t tokens) { return 2 * epsilons * tokens; }

struct ExactAdversary {
  int32_t sequences = 0;            ///< B
  int32_t tokens = 0;               ///< N
  int32_t longest = 0;              ///< tokens of the longest sequence
  bool all_pairs = false;           ///< leaves out no word and no row: for tests and benchmarks
  Span<const int32_t> offsets;      ///< [B + 1] as in RaggedBatch, but sequences may stand in any order of length
  Span<const double> epsilons;      ///< [E] each > 0
  Span<const float> contributions;  ///< [N] w . h_n
  Span<const float> output_bias;    ///< [1] b
  Span<const float> log_attention;  ///< [N] log alpha; the weights of a text sum to 1 up to rounding; may be -infinity
  Span<ExactOptimum> optima;        ///< out [E, B]
  Span<double> scores;              ///< scratch [N]
  Span<int32_t> order;              ///< scratch [2 N]
  Span<AdversaryRecord> records;    ///< scratch [exact_adversary_records(E, N)]

  NOTNOT_HD int32_t count() const { return static_cast<int32_t>(epsilons.size); }
  void check() const {
    NOTNOT_CHECK(sequences > 0 && tokens >= 3 * sequences && longest <= tokens && !epsilons.empty(),
                 "{} sequences, {} tokens, longest {}, {} epsilons", sequences, tokens, longest, epsilons.size);
    NOTNOT_CHECK_SIZE(offsets, sequences + 1);
    NOTNOT_CHECK_SIZE(contributions, tokens);
    NOTNOT_CHECK_SIZE(output_bias, 1);
    NOTNOT_CHECK_SIZE(log_attention, tokens);
    NOTNOT_CHECK_SIZE(optima, epsilons.size * sequences);
    NOTNOT_CHECK_SIZE(scores, tokens);
    NOTNOT_CHECK_SIZE(order, int64_t{2} * tokens);
    NOTNOT_CHECK_SIZE(records, exact_adversary_records(epsilons.size, tokens));
  }
};
NOTNOT_OPERATION(exact_adversary, ExactAdversary)

}  // namespace notnot
