#pragma once
// What it gains to choose the epoch on the test split, as the published numbers do, and not on the development split.
#include <cstdint>
#include <optional>
#include <span>

#include "engine/runs/run_metrics.h"

namespace notnot {

/// The epochs that the two splits choose by their ROC-AUC, the first of equal ones, and the test split's measures in
/// each.
struct EpochChoice {
  int32_t by_test = 0, by_dev = 0;
  Classification test_by_test, test_by_dev;
};
/// `epochs`: at least one. Nothing if a ROC-AUC is undefined, as it is on texts of one class.
std::optional<EpochChoice> epoch_choice(std::span<const EpochMetrics> epochs);

}  // namespace notnot
