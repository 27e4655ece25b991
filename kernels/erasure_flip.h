#pragma once
// How many words have to be erased until the decision flips, under renormalised erasure (Serrano & Smith 2019): erasing
// words sets their attention to 0 and divides the rest by its sum, while the hidden states stay. With a word's
// contribution c_n = w . h_n the logit of what is kept is sum alpha_n (c_n + b) / sum alpha_n, so its sign is that of
//   S = sum_{kept} alpha_n (c_n + b).
// Class 1 (logit > 0) flips when S <= 0, class 0 when S > 0.
//
// The minimal flip. With gains g_n = s alpha_n (c_n + b), s = 1 for class 1 and -1 for class 0, s S is least for every
// number k of erased words when these are the k of largest gain. So the least k whose prefix of that order flips is the
// least of all sets. An order by other scores needs as many words or more. (Gains of words below e^-708 are 0 in fp64,
// and stand in the order of the text; so where nothing but such words is kept, a smaller set may exist.)
//
// The empty text, and one whose kept weights are all exactly 0, has the logit b. Sums go from the last word of the
// order to the first, in fp64, as the weights do: a flip is the sign of a sum whose terms cancel. Where all kept
// weights are below e^-600, they are taken relative to the largest (KeptSum in erasure_flip_math.h).
#include "kernels/base/operation.h"

namespace notnot {

/// The rows of the results; scores that the caller gives have the rows behind these.
enum FlipOrder : int32_t { kByGain = 0, kByAttention = 1, kByContribution = 2, kGivenOrders = 3 };

inline constexpr int32_t kNeverFlips = -1;    ///< not even the empty text has the other class
inline constexpr int32_t kUndefinedFlip = 0;  ///< the text, or its scores, have a NaN or an infinite number

struct ErasureFlip {
  int32_t sequences = 0;            ///< B
  int32_t tokens = 0;               ///< N
  int32_t longest = 0;              ///< tokens of the longest sequence
  int32_t given = 0;                ///< G, orders by scores of the caller; R = kGivenOrders + G
  Span<const int32_t> offsets;      ///< [B + 1] as in RaggedBatch, but sequences may stand in any order of length
  Span<const float> contributions;  ///< [N] w . h_n
  Span<const float> output_bias;    ///< [1] b
  Span<const float> log_attention;  ///< [N] log alpha; the weights of a text sum to 1 up to rounding; may be -infinity
  Span<const float> scores;         ///< [G, N] largest first. A permutation that erases word n as its k-th: -k
  Span<double> logit;               ///< out [B] in fp64; its sign is the class that the flips are from
  Span<int32_t> order;              ///< out [R, N] the words of a text, counted from 0; -1 at boundary tokens
  Span<int32_t> size;               ///< out [R, B] erased words, 1 to the text's words; kNeverFlips, kUndefinedFlip
  Span<float> margin;     ///< out [R, B] the least |S| / sum |terms of S| that was met up to the flip; infinite if none
  Span<double> terms;     ///< scratch [R, N]
  Span<int32_t> scratch;  ///< [R, N]

  int32_t orders() const { return kGivenOrders + given; }
  void check() const {
    NOTNOT_CHECK(sequences > 0 && tokens >= 3 * sequences && longest <= tokens && given >= 0,
                 "{} sequences, {} tokens, longest {}, {} given orders", sequences, tokens, longest, given);
    NOTNOT_CHECK_SIZE(offsets, sequences + 1);
    NOTNOT_CHECK_SIZE(contributions, tokens);
    NOTNOT_CHECK_SIZE(output_bias, 1);
    NOTNOT_CHECK_SIZE(log_attention, tokens);
    NOTNOT_CHECK_SIZE(scores, int64_t{given} * tokens);
    NOTNOT_CHECK_SIZE(logit, sequences);
    NOTNOT_CHECK_SIZE(order, int64_t{orders()} * tokens);
    NOTNOT_CHECK_SIZE(size, int64_t{orders()} * sequences);
    NOTNOT_CHECK_SIZE(margin, int64_t{orders()} * sequences);
    NOTNOT_CHECK_SIZE(terms, int64_t{orders()} * tokens);
    NOTNOT_CHECK_SIZE(scratch, int64_t{orders()} * tokens);
  }
};
NOTNOT_OPERATION(erasure_flip, ErasureFlip)

}  // namespace notnot
