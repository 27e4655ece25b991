#include "engine/math/metrics.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "engine/math/divergence.h"
#include "kernels/base/error.h"

namespace notnot {
namespace {

constexpr double kTolerance = 1e-12;
constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// False for NaN.
bool near(double value, double expected, double tolerance = kTolerance) {
  return std::fabs(value - expected) <= tolerance;
}

Classification scores(const std::vector<float>& probability, const std::vector<int32_t>& label) {
  return classify(probability, label);
}

std::vector<float> logs(const std::vector<double>& weights) {
  std::vector<float> result;
  result.reserve(weights.size());
  for (const double weight : weights) result.push_back(static_cast<float>(std::log(weight)));
  return result;
}

double divergence(const std::vector<float>& a, const std::vector<float>& b) { return jensen_shannon(a, b); }

TEST_CASE("worked by hand, without ties") {
  // Ranked: 0.9 (1), 0.8 (0), 0.6 (1), 0.4 (1), 0.1 (0).
  const Classification result = scores({0.1F, 0.9F, 0.4F, 0.8F, 0.6F}, {0, 1, 1, 0, 1});
  CHECK(near(result.f1, 2.0 * 2 / (2 * 2 + 1 + 1)));
  CHECK(near(result.accuracy, 3.0 / 5));
  CHECK(near(result.roc_auc, (2.0 + 1 + 1) / 6));
  CHECK(near(result.average_precision, (1.0 + 2.0 / 3 + 3.0 / 4) / 3));
}

TEST_CASE("ties count half, whatever the order they come in") {
  // Ranked: 0.75 (1), then 0.5 (1, 0, 1), then 0.25 (0).
  std::vector<size_t> order = {0, 1, 2, 3, 4};
  const std::vector<float> probability = {0.75F, 0.5F, 0.5F, 0.5F, 0.25F};
  const std::vector<int32_t> label = {1, 1, 0, 1, 0};
  do {
    std::vector<float> p;
    std::vector<int32_t> y;
    for (const size_t i : order) {
      p.push_back(probability[i]);
      y.push_back(label[i]);
    }
    const Classification result = scores(p, y);
    CHECK(near(result.roc_auc, (2 + 1.5 + 1.5) / 6));
    CHECK(near(result.average_precision, 1.0 / 3 * 1 + 2.0 / 3 * 3 / 4));
    CHECK(near(result.f1, 2.0 / (2 + 2)));  // 0.5 itself is class 0
    CHECK(near(result.accuracy, 3.0 / 5));
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("perfect, inverted and constant rankings") {
  CHECK(near(scores({0.9F, 0.8F, 0.2F}, {1, 1, 0}).roc_auc, 1));
  CHECK(near(scores({0.9F, 0.8F, 0.2F}, {1, 1, 0}).average_precision, 1));
  CHECK(near(scores({0.1F, 0.2F, 0.9F}, {1, 1, 0}).roc_auc, 0));
  CHECK(near(scores({0.3F, 0.3F, 0.3F, 0.3F}, {1, 0, 0, 0}).roc_auc, 0.5));
  CHECK(near(scores({0.3F, 0.3F, 0.3F, 0.3F}, {1, 0, 0, 0}).average_precision, 0.25));
}

TEST_CASE("all predicted as one class") {
  const Classification none = scores({0.1F, 0.2F, 0.3F}, {1, 0, 1});
  CHECK(none.f1 == 0);
  CHECK(near(none.accuracy, 1.0 / 3));
  const Classification all = scores({0.7F, 0.8F, 0.9F}, {1, 0, 1});
  CHECK(near(all.f1, 0.8));
  CHECK(near(all.accuracy, 2.0 / 3));
}

TEST_CASE("one class only: no ROC-AUC") {
  const Classification negative = scores({0.1F, 0.2F}, {0, 0});
  CHECK(std::isnan(negative.roc_auc));
  CHECK(negative.average_precision == 0);
  CHECK(negative.f1 == 0);
  CHECK(negative.accuracy == 1);
  const Classification positive = scores({0.1F, 0.7F}, {1, 1});
  CHECK(std::isnan(positive.roc_auc));
  CHECK(near(positive.average_precision, 1));
}

TEST_CASE("the values of scikit-learn, with ties") {
  // Computed with scikit-learn 1.9.1: f1_score, accuracy_score (of probability > 0.5), roc_auc_score and
  // average_precision_score on the numbers that the loop below makes.
  struct Case {
    int64_t size, levels, noise;
    double f1, accuracy, roc_auc, average_precision;
  };
  for (const Case& c : {Case{10, 8, 8, 0.875, 0.8, 0.7777777777777778, 0.9765432098765432},
                        Case{100, 32, 32, 0.625, 0.58, 0.7559614408929477, 0.8977492010076299},
                        Case{1000, 32, 16, 0.71412680756396, 0.743, 0.8279656565656566, 0.7923775498724395},
                        Case{5000, 1024, 1024, 0.6905453372055502, 0.6164, 0.7002765152739205, 0.874427001876789}}) {
    int64_t state = c.size;
    const auto draw = [&state](int64_t below) {
      state = (state * 1103515245 + 12345) % (int64_t{1} << 31);
      return (state >> 16) % below;
    };
    std::vector<float> probability;
    std::vector<int32_t> label;
    for (int64_t i = 0; i < c.size; ++i) {
      const int64_t level = draw(c.levels);
      probability.push_back(static_cast<float>(level) / static_cast<float>(c.levels));
      label.push_back(level + draw(2 * c.noise) >= c.levels ? 1 : 0);
    }
    CAPTURE(c.size);
    const Classification result = scores(probability, label);
    CHECK(near(result.f1, c.f1));
    CHECK(near(result.accuracy, c.accuracy));
    CHECK(near(result.roc_auc, c.roc_auc));
    CHECK(near(result.average_precision, c.average_precision));
  }
}

TEST_CASE("what cannot be measured is an error") {
  CHECK_THROWS_AS(scores({0.1F, kNaN}, {0, 1}), Error);
  CHECK_THROWS_AS(scores({0.1F, 0.2F}, {0, 2}), Error);
  CHECK_THROWS_AS(scores({0.1F, 0.2F}, {0}), Error);
  CHECK_THROWS_AS(scores({}, {}), Error);
}

TEST_CASE("Jensen-Shannon: equal is 0, disjoint is ln 2") {
  const std::vector<float> a = logs({0.1, 0.2, 0.7});
  CHECK(divergence(a, a) == 0);
  CHECK(divergence({kMinusInfinity, 0, kMinusInfinity}, {kMinusInfinity, kMinusInfinity, 0}) == std::numbers::ln2);
  CHECK(near(divergence(logs({0.5, 0.5, 0, 0}), logs({0, 0, 0.3, 0.7})), std::numbers::ln2, 1e-7));
  CHECK(divergence({kMinusInfinity, kMinusInfinity}, {kMinusInfinity, kMinusInfinity}) == 0);
  CHECK(divergence({}, {}) == 0);
}

TEST_CASE("Jensen-Shannon: the values of scipy") {
  // scipy.spatial.distance.jensenshannon(a, b) ** 2; log weights rounded to float allow 1e-7.
  const auto check = [](const std::vector<double>& a, const std::vector<double>& b, double expected) {
    CHECK(near(divergence(logs(a), logs(b)), expected, 1e-7));
    CHECK(near(divergence(logs(b), logs(a)), expected, 1e-7));
  };
  check({0.5, 0.5, 0}, {0.25, 0.25, 0.5}, 0.21576155433883568);
  check({0.7, 0.2, 0.1}, {0.1, 0.1, 0.8}, 0.2899875476837844);
  check({1, 0, 0, 0}, {0.25, 0.25, 0.25, 0.25}, 0.38039566584857787);
}

TEST_CASE("Jensen-Shannon: weights that underflow, and rounding, stay within bounds") {
  CHECK(near(divergence({0, -2000}, {-2000, 0}), std::numbers::ln2));
  CHECK(divergence({1e-6F, -2000}, {-2000, 1e-6F}) <= std::numbers::ln2);
  const double tiny = divergence(logs({0.5, 0.5}), logs({0.5000001, 0.4999999}));
  CHECK(tiny >= 0);
  CHECK(tiny < 1e-7);
}

TEST_CASE("Jensen-Shannon: NaN, +inf and different lengths are errors") {
  CHECK_THROWS_AS(divergence({kNaN, 0}, {-1, -1}), Error);
  CHECK_THROWS_AS(divergence({-1, -1}, {0, kNaN}), Error);
  CHECK_THROWS_AS(divergence({kMinusInfinity}, {kNaN}), Error);
  CHECK_THROWS_AS(divergence({-kMinusInfinity}, {0}), Error);
  CHECK_THROWS_AS(divergence({-kMinusInfinity}, {-kMinusInfinity}), Error);
  CHECK_THROWS_AS(divergence({0}, {0, 0}), Error);
}

TEST_CASE("a probability of exactly 0.5 is class 0 in F1 and accuracy, and is ranked by its value") {
  const Classification result = scores({0.5F, 0.5F, std::nextafterf(0.5F, 1)}, {1, 0, 1});
  CHECK(near(result.f1, 2.0 / 3));  // one found, one missed
  CHECK(near(result.accuracy, 2.0 / 3));
  CHECK(near(result.roc_auc, (1 + 0.5) / 2));
  CHECK(near(result.average_precision, 0.5 * 1 + 0.5 * 2 / 3));
}

TEST_CASE("ranking measures against counting every pair and every threshold") {
  // The definitions, text by text: quadratic, and blind to the order of the texts.
  uint32_t state = 7;
  for (int round = 0; round < 20; ++round) {
    std::vector<float> p;
    std::vector<int32_t> y;
    for (int i = 0; i < 31; ++i) {
      state = state * 1664525 + 1013904223;
      p.push_back(static_cast<float>(state >> 28) / 16);  // 16 levels: many ties, 0.5 among them
      y.push_back((state >> 20 & 1) != 0 || i == 0 ? 1 : 0);
    }
    double won = 0, pairs = 0, precision = 0, positives = 0;
    for (size_t i = 0; i < p.size(); ++i) {
      if (y[i] != 1) continue;
      ++positives;
      double above = 0, right = 0;
      for (size_t j = 0; j < p.size(); ++j) {
        above += p[j] >= p[i] ? 1 : 0;
        right += p[j] >= p[i] && y[j] == 1 ? 1 : 0;
        if (y[j] == 1) continue;
        ++pairs;
        won += p[i] > p[j] ? 1 : p[i] == p[j] ? 0.5 : 0;
      }
      precision += right / above;
    }
    CAPTURE(round);
    CHECK(near(scores(p, y).roc_auc, won / pairs));
    CHECK(near(scores(p, y).average_precision, precision / positives));
  }
}

TEST_CASE("Jensen-Shannon: boundary tokens and words without weight add nothing, the order of the words is no matter") {
  const std::vector<float> a = logs({0.7, 0.2, 0.1}), b = logs({0.1, 0.1, 0.8});
  const double expected = divergence(a, b);
  std::vector<float> longer_a = {kMinusInfinity, a[2], kMinusInfinity, a[0], a[1], kMinusInfinity};
  std::vector<float> longer_b = {kMinusInfinity, b[2], kMinusInfinity, b[0], b[1], kMinusInfinity};
  CHECK(near(divergence(longer_a, longer_b), expected));
  CHECK(divergence({kMinusInfinity, 0, kMinusInfinity}, {kMinusInfinity, 0, kMinusInfinity}) == 0);  // one word
  // One of two words against both: m = (0.75, 0.25): 0.5 ln(4/3) + 0.5 (0.5 ln(2/3) + 0.5 ln 2).
  CHECK(near(divergence({0, kMinusInfinity}, logs({0.5, 0.5})),
             0.5 * std::log(4.0 / 3) + 0.25 * std::log(2.0 / 3) + 0.25 * std::numbers::ln2, 1e-7));
}

TEST_CASE("means over the texts are of their own measure") {
  const Divergences some{.tvd = {0.1, 0.2, 0.6}, .jsd = {0.4, 0.5, 0}};
  CHECK(near(some.mean_tvd(), 0.3));
  CHECK(near(some.mean_jsd(), 0.3));
  const Divergences other{.tvd = {0.5, 0.25}, .jsd = {0.1, 0.3}};
  CHECK(near(other.mean_tvd(), 0.375));
  CHECK(near(other.mean_jsd(), 0.2));
}

}  // namespace
}  // namespace notnot
