#include "experiments/report/epoch_choice.h"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

namespace notnot {
namespace {

EpochMetrics epoch_of(int32_t number, double dev_roc_auc, double test_roc_auc, double test_f1) {
  EpochMetrics epoch;
  epoch.epoch = number;
  epoch.split.dev.roc_auc = dev_roc_auc;
  epoch.split.test.roc_auc = test_roc_auc;
  epoch.split.test.f1 = test_f1;
  return epoch;
}

}  // namespace

TEST_CASE("each split chooses its own epoch, the first of equal ones, and the test split measures both") {
  const std::vector<EpochMetrics> epochs = {epoch_of(1, 0.5, 0.6, 0.1), epoch_of(2, 0.9, 0.7, 0.2),
                                            epoch_of(3, 0.9, 0.8, 0.3), epoch_of(4, 0.1, 0.8, 0.4)};
  const std::optional<EpochChoice> choice = epoch_choice(epochs);
  REQUIRE(choice);
  CHECK(choice->by_test == 3);
  CHECK(choice->by_dev == 2);
  CHECK(choice->test_by_test.f1 == 0.3);
  CHECK(choice->test_by_dev.f1 == 0.2);
  CHECK(choice->test_by_test.roc_auc == 0.8);
  CHECK(choice->test_by_dev.roc_auc == 0.7);
}

TEST_CASE("where a ROC-AUC is undefined, nothing was to choose") {
  const double none = std::numeric_limits<double>::quiet_NaN();
  CHECK_FALSE(epoch_choice(std::vector{epoch_of(1, none, 0.6, 0.1)}));
  CHECK_FALSE(epoch_choice(std::vector{epoch_of(1, 0.5, 0.6, 0.1), epoch_of(2, 0.5, none, 0.1)}));
}

}  // namespace notnot
