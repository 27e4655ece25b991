#include "experiments/report/epoch_choice.h"

#include <algorithm>
#include <cmath>

namespace notnot {
namespace {

/// The first epoch with the largest ROC-AUC of the split.
const EpochMetrics& best(std::span<const EpochMetrics> epochs, SplitName split) {
  return *std::max_element(epochs.begin(), epochs.end(), [split](const EpochMetrics& a, const EpochMetrics& b) {
    return a.split[split].roc_auc < b.split[split].roc_auc;
  });
}

}  // namespace

std::optional<EpochChoice> epoch_choice(std::span<const EpochMetrics> epochs) {
  for (const EpochMetrics& epoch : epochs) {
    if (std::isnan(epoch.split.test.roc_auc) || std::isnan(epoch.split.dev.roc_auc)) return std::nullopt;
  }
  const EpochMetrics &by_test = best(epochs, SplitName::test), &by_dev = best(epochs, SplitName::dev);
  return EpochChoice{.by_test = by_test.epoch,
                     .by_dev = by_dev.epoch,
                     .test_by_test = by_test.split.test,
                     .test_by_dev = by_dev.split.test};
}

}  // namespace notnot
