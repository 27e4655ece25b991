#include "engine/math/rationale_scores.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <vector>

#include "engine/math/metrics.h"

namespace notnot {
namespace {

/// The share of the `k` words with the largest scores that are evidence; where words draw lots, the mean.
double share_at_top(std::span<const float> score, std::span<const int32_t> evidence, size_t k) {
  std::vector<float> sorted(score.begin(), score.end());
  std::nth_element(sorted.begin(), sorted.begin() + (k - 1), sorted.end(), std::greater<>());
  const float last = sorted[k - 1];
  size_t above = 0, level = 0, evidence_above = 0, evidence_level = 0;
  for (size_t n = 0; n < score.size(); ++n) {
    (score[n] > last ? above : level) += score[n] >= last ? 1 : 0;
    (score[n] > last ? evidence_above : evidence_level) += score[n] >= last && evidence[n] == 1 ? 1 : 0;
  }
  const double drawn = static_cast<double>(k - above) / static_cast<double>(level);
  return (static_cast<double>(evidence_above) + drawn * static_cast<double>(evidence_level)) / static_cast<double>(k);
}

}  // namespace

RationaleScores rationale_scores(std::span<const float> score, std::span<const int32_t> evidence) {
  const double precision = average_precision(score, evidence);  // which checks both
  const auto k = static_cast<size_t>(std::count(evidence.begin(), evidence.end(), 1));
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  if (k == 0 || k == evidence.size()) return {kNone, kNone, kNone};
  return {.average_precision = precision,
          .token_f1 = share_at_top(score, evidence, k),
          .chance = static_cast<double>(k) / static_cast<double>(evidence.size())};
}

}  // namespace notnot
