#include "experiments/report/guide_scores.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "tests/support/input_error.h"

namespace notnot {

TEST_CASE("leakage is the part beyond chance that a guided model loses with equal weights") {
  const auto often = [](const auto& four) {  // the same four texts a hundred times, so that chance is small
    std::vector<typename std::decay_t<decltype(four)>::value_type> result;
    for (int i = 0; i < 100; ++i) result.insert(result.end(), four.begin(), four.end());
    return result;
  };
  const std::vector<int32_t> label = often(std::vector<int32_t>{1, 1, 0, 0});
  // Of the four pairs of a text of class 1 and one of class 0, three and two are in order.
  const GuideControls controls{.permuted_weights = often(std::vector<float>{0.9F, 0.4F, 0.5F, 0.1F}),
                               .equal_weights = often(std::vector<float>{0.9F, 0.1F, 0.5F, 0.4F})};
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
  // Three standard errors of chance: 3 (401 / (12 * 200 * 200))^0.5 = 0.0867.
  CHECK(std::isnan(guide_scores(harmless, 0.586, label).leakage));
  CHECK(!std::isnan(guide_scores(harmless, 0.587, label).leakage));
}

TEST_CASE("controls of other texts are refused") {
  const std::vector<int32_t> label = {1, 0, 1};
  CHECK_HAS(input_error([&] {
              (void)guide_scores({{0.5F}, {0.5F}}, 0.9, label);
            }),
            "of 1 texts, where the test split has 3");
}

}  // namespace notnot
