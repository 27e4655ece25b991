#pragma once
// Whether a guide points at words that tell the class, or tells the class itself.
#include <cstdint>
#include <span>

#include "engine/runs/attention.h"

namespace notnot {

/// ROC-AUC of a guided model on the test texts with other weights than its guide's.
struct GuideScores {
  double permuted_weights = 0;  ///< the guide's weights, dealt out anew among the words of each text
  double equal_weights = 0;
  /// How much of what the model can tell it loses with equal weights: (own - equal) / (own - 0.5), where `own` is its
  /// ROC-AUC with the guide. Near 0: its words tell the class, and the guide only points at them. Near 1: only the
  /// guide tells it, so that weights which follow a prediction may have smuggled it in. NaN where `own` could be chance:
  /// where it is less than three standard errors above 0.5, those of a model that knows nothing (Mann & Whitney 1947).
  double leakage = 0;
};
/// `roc_auc`: with the guide's weights. `label` [texts]. Throws InputError where `controls` has another number of texts.
GuideScores guide_scores(const GuideControls& controls, double roc_auc, std::span<const int32_t> label);

}  // namespace notnot
