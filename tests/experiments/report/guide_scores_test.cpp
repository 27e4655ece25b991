#include "experiments/report/guide_scores.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "tests/support/input_error.h"

namespace notnot {

TEST_CASE("leakage is the part beyond chance that a guided model loses with equal weights") {
  const std::vector<int32_t> label = {1, 1, 0, 0};
  // Of the four pairs of a text of class 1 and one of class 0, three and two are in order.
  const GuideControls controls{.permuted_weights = {0.9F, 0.4F, 0.5F, 0.1F}, .equal_weights = {0.9F, 0.1F, 0.5F, 0.4F}};
  const GuideScores scores = guide_scores(controls, 1, label);
  CHECK(scores.permuted_weights == 0.75);
  CHECK(scores.equal_weights == 0.5);
  CHECK(scores.leakage == 1);  // (1 - 0.5) / (1 - 0.5)
  const GuideControls harmless{.permuted_weights = controls.equal_weights, .equal_weights = controls.permuted_weights};
  CHECK(guide_scores(harmless, 1, label).leakage == 0.5);         // (1 - 0.75) / 0.5
  CHECK(guide_scores(harmless, 0.75, label).leakage == 0);        // nothing is lost
  CHECK(guide_scores(harmless, 0.625, label).leakage == -1);      // equal weights are better
  CHECK(std::isnan(guide_scores(harmless, 0.5, label).leakage));  // a model that tells nothing
  CHECK(std::isnan(guide_scores(harmless, 0.25, label).leakage));
}

TEST_CASE("controls of other texts are refused") {
  const std::vector<int32_t> label = {1, 0, 1};
  CHECK_HAS(input_error([&] {
              (void)guide_scores({{0.5F}, {0.5F}}, 0.9, label);
            }),
            "of 1 texts, where the test split has 3");
}

}  // namespace notnot
