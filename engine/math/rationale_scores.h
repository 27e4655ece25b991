#pragma once
// How well the scores of a text's words find its evidence: the words that are known to decide, or that a person marked
// (DeYoung et al., "ERASER: a benchmark to evaluate rationalized NLP models", 2020). In double on the host.
#include <cstdint>
#include <span>

namespace notnot {

/// Both are 1 where every evidence word has a larger score than every other word.
struct RationaleScores {
  /// Area under the precision-recall curve, as average precision: equal scores are one threshold (metrics.h).
  double average_precision = 0;
  /// F1 of the k words with the largest scores, k the number of evidence words: precision and recall are the same.
  /// Where words with equal scores compete for the last places, the mean over drawing lots.
  double token_f1 = 0;
  /// What token_f1 is on average for an order at random, k / words. Average precision is a little more.
  double chance = 0;
};
/// score, evidence: [words]; evidence is 0 or 1. All NaN where no word or every word is evidence. A NaN score, and
/// other values or numbers of evidence, throw Error. O(N log N).
RationaleScores rationale_scores(std::span<const float> score, std::span<const int32_t> evidence);

}  // namespace notnot
