#pragma once
// The order of a text's words by a score: descending, equal scores in the order of the text (a stable sort). Scores are
// compared in double, and 0 equals -0. With a NaN among the scores the result is some permutation of the words.
#include "kernels/base/span.h"

namespace notnot {

/// Whether word a stands before word b.
NOTNOT_HD bool ranks_before(double score_a, int32_t a, double score_b, int32_t b) {
  return score_a > score_b || (score_a == score_b && a < b);
}

/// On the CPU. `order` [words] becomes the words by their `scores` [words]; `scratch` [words]. Merges runs of doubling
/// length.
NOTNOT_HD void rank_words(const double* scores, int32_t words, int32_t* order, int32_t* scratch) {
  for (int32_t n = 0; n < words; ++n) order[n] = n;
  int32_t *from = order, *to = scratch;
  for (int64_t run = 1; run < words; run *= 2) {
    for (int64_t begin = 0; begin < words; begin += 2 * run) {
      const int64_t middle = begin + run < words ? begin + run : words;
      const int64_t end = begin + 2 * run < words ? begin + 2 * run : words;
      int64_t left = begin, right = middle;
      for (int64_t at = begin; at < end; ++at) {
        // The left run has the earlier words, so it goes first where scores are equal.
        const bool take_right = left == middle || (right < end && scores[from[right]] > scores[from[left]]);
        to[at] = take_right ? from[right++] : from[left++];
      }
    }
    int32_t* const merged = to;
    to = from;
    from = merged;
  }
  if (from == order) return;
  for (int32_t n = 0; n < words; ++n) order[n] = scratch[n];
}

}  // namespace notnot
