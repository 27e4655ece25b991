#pragma once
// The score of an order, the sum over kept words, and when it means a flip; formulas in erasure_flip.h.
#include "kernels/attended_sums.h"
#include "kernels/base/math.h"
#include "kernels/erasure_flip.h"

namespace notnot {

/// One text and one order of its words.
struct ErasedText {
  int32_t begin, words;    ///< its first word among the tokens
  int32_t row;             ///< of the results: a FlipOrder or behind
  bool defined, positive;  ///< the logit is a number; it is above 0
  double bias;
};

NOTNOT_HD double logit_of(const ErasureFlip& args, const AttendedSums& sums) {
  return double{args.output_bias[0]} + sums.mean();
}
NOTNOT_HD ErasedText erased_text(const ErasureFlip& args, int32_t sequence, int32_t row, double logit) {
  const int32_t begin = args.offsets[sequence] + 1;
  return {begin, args.offsets[sequence + 1] - begin - 1, row, logit == logit, logit > 0, args.output_bias[0]};
}

/// alpha_n (c_n + b), not normalised.
NOTNOT_HD double term_of(const ErasureFlip& args, const ErasedText& text, int32_t n) {
  const double value = double{args.contributions[text.begin + n]} + text.bias;
  return exponential(double{args.log_attention[text.begin + n]}) * value;
}

/// By which the words are ordered, largest first.
NOTNOT_HD double score_of(const ErasureFlip& args, const ErasedText& text, int32_t n) {
  const int32_t at = text.begin + n;
  switch (text.row) {
    case kByGain: {
      const double term = term_of(args, text, n);
      return text.positive ? term : -term;
    }
    case kByAttention:
      return args.log_attention[at];
    case kByContribution:
      return std::abs(exponential(double{args.log_attention[at]}) * double{args.contributions[at]});
    default:
      return args.scores[int64_t{text.row - kGivenOrders} * args.tokens + at];
  }
}

/// The sum over kept words, to which words are added one after another, relative to e^shift: 1, or the largest kept
/// weight while all are below e^-600. So a weight that fp64 cannot hold counts among its like.
struct KeptSum {
  double shift = -static_cast<double>(__builtin_inff());  ///< no weight above 0 yet
  double sum = 0, size = 0;                               ///< of the terms; of their absolute values

  /// `term` is exp(log_attention) (c + b).
  NOTNOT_HD void add(double log_attention, double value, double term) {
    constexpr double kSmallest = -600, kNone = -1e300;
    if (log_attention < kNone) return;  // a weight of exactly 0
    if (shift < 0 && log_attention > shift) {
      const double next = log_attention < kSmallest ? log_attention : 0, factor = exponential(shift - next);
      sum *= factor;
      size *= factor;
      shift = next;
    }
    const double scaled = shift == 0 ? term : exponential(log_attention - shift) * value;
    sum += scaled;
    size += std::abs(scaled);
  }
  NOTNOT_HD bool empty() const { return shift == -static_cast<double>(__builtin_inff()); }
};

/// The size of the flip, found from the order's end: words are kept one after another, the last of the order first.
struct FlipSearch {
  int32_t size;
  double margin = static_cast<double>(__builtin_inff());
  KeptSum kept;

  NOTNOT_HD explicit FlipSearch(const ErasedText& text)
      : size((text.bias > 0) != text.positive ? text.words : kNeverFlips) {}
  /// With the first k words erased.
  NOTNOT_HD void look(const ErasedText& text, int32_t k) {
    const double sum = kept.empty() ? text.bias : kept.sum, all = kept.empty() ? std::abs(text.bias) : kept.size;
    const double here = all > 0 ? std::abs(sum) / all : 0;
    const bool flips = (sum > 0) != text.positive;
    if (flips) size = k;
    margin = flips || here < margin ? here : margin;  // what lies behind a flip does not count
  }
};

/// From the ordered words and their terms [words]. Kept words go from the last to the second.
NOTNOT_HD void find_flip(const ErasureFlip& args, const ErasedText& text, int32_t sequence, const int32_t* order,
                         const double* terms) {
  FlipSearch search(text);
  bool defined = text.defined;
  for (int32_t k = text.words - 1; k >= 0; --k) {
    const int32_t at = text.begin + order[k];
    defined = defined && (text.row < kGivenOrders || !std::isnan(score_of(args, text, order[k])));
    if (k == 0) break;
    search.kept.add(args.log_attention[at], double{args.contributions[at]} + text.bias, terms[k]);
    search.look(text, k);
  }
  const int64_t out = int64_t{text.row} * args.sequences + sequence;
  args.size[out] = defined ? search.size : kUndefinedFlip;
  args.margin[out] = defined ? static_cast<float>(search.margin) : __builtin_nanf("");
}

}  // namespace notnot
