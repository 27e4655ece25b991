#include "experiments/report/guide_scores.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/io/input_error.h"
#include "engine/math/metrics.h"
#include "experiments/study/paper_numbers.h"

namespace notnot {
namespace {

/// The standard deviation of the ROC-AUC of a model that knows nothing: sqrt((p + n + 1) / (12 p n)) with p and n texts of
/// the two classes.
double error_of_chance(std::span<const int32_t> label) {
  const auto positive = static_cast<double>(std::count(label.begin(), label.end(), 1));
  const double negative = static_cast<double>(label.size()) - positive;
  return std::sqrt((positive + negative + 1) / (12 * positive * negative));
}

}  // namespace

GuideScores guide_scores(const GuideControls& controls, double roc_auc, std::span<const int32_t> label) {
  if (controls.equal_weights.size() != label.size()) {
    throw InputError(fmt::format("the controls of the guide are of {} texts, where the test split has {}",
                                 controls.equal_weights.size(), label.size()));
  }
  GuideScores scores{.permuted_weights = classify(controls.permuted_weights, label).roc_auc,
                     .equal_weights = classify(controls.equal_weights, label).roc_auc,
                     .leakage = kNoNumber};
  if (roc_auc - 0.5 > 3 * error_of_chance(label)) scores.leakage = (roc_auc - scores.equal_weights) / (roc_auc - 0.5);
  return scores;
}

}  // namespace notnot
