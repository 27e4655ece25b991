#include "experiments/report/guide_scores.h"

#include <fmt/format.h>

#include "engine/io/input_error.h"
#include "engine/math/metrics.h"
#include "experiments/study/paper_numbers.h"

namespace notnot {

GuideScores guide_scores(const GuideControls& controls, double roc_auc, std::span<const int32_t> label) {
  if (controls.equal_weights.size() != label.size()) {
    throw InputError(fmt::format("the controls of the guide are of {} texts, where the test split has {}",
                                 controls.equal_weights.size(), label.size()));
  }
  GuideScores scores{.permuted_weights = classify(controls.permuted_weights, label).roc_auc,
                     .equal_weights = classify(controls.equal_weights, label).roc_auc,
                     .leakage = kNoNumber};
  if (roc_auc > 0.5) scores.leakage = (roc_auc - scores.equal_weights) / (roc_auc - 0.5);
  return scores;
}

}  // namespace notnot
