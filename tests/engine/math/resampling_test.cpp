#include "engine/math/resampling.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "engine/math/metrics.h"
#include "engine/math/random.h"
#include "kernels/base/error.h"

namespace notnot {
namespace {

using Values = std::vector<double>;

bool near(double value, double expected, double tolerance = 1e-12) { return std::fabs(value - expected) <= tolerance; }

struct Models {
  std::vector<float> a, b;
  std::vector<int32_t> labels;
};
const Models kFiveTexts = {{0.9F, 0.1F, 0.8F, 0.3F, 0.2F}, {0.7F, 0.6F, 0.2F, 0.1F, 0.6F}, {1, 0, 1, 1, 0}};

/// The variances of the differences of F1 and of ROC-AUC.
Values variances(const Models& models, const std::vector<int32_t>& cluster, uint64_t seed = 10, int threads = 2) {
  const ResampledMeasures a(models.a, models.labels), b(models.b, models.labels);
  return bootstrap_variances(
      cluster, 2,
      [&](std::span<const int32_t> times, std::span<double> values) {
        values[0] = a.f1(times) - b.f1(times);
        values[1] = a.roc_auc(times) - b.roc_auc(times);
      },
      seed, threads);
}

TEST_CASE("measures of texts that count several times are those of the texts written down several times") {
  // i = numpy.repeat(range(7), times); sklearn's f1_score(y[i], p[i] > .5), roc_auc_score(y[i], p[i])
  const std::vector<float> p = {0.9F, 0.9F, 0.3F, 0.5F, 0.5F, 0.1F, 0.6F};
  const std::vector<int32_t> y = {1, 0, 1, 1, 0, 0, 1}, times = {2, 0, 3, 1, 1, 2, 1};
  const ResampledMeasures measures(p, y);
  CHECK(near(measures.f1(times), 0.6));
  CHECK(near(measures.roc_auc(times), 0.8333333333333334));
  // Once each: those of classify.
  const std::vector<int32_t> once(7, 1);
  CHECK(measures.f1(once) == classify(p, y).f1);
  CHECK(near(measures.roc_auc(once), classify(p, y).roc_auc));
  CHECK(measures.f1(std::vector<int32_t>(7, 0)) == 0);
  CHECK(std::isnan(measures.roc_auc(std::vector<int32_t>{1, 0, 1, 1, 0, 0, 1})));
  CHECK_THROWS_AS(ResampledMeasures(p, std::vector<int32_t>{1}), Error);
}

TEST_CASE("the variances of a second implementation, number for number") {
  // In Python, with Philox as in random_test: draw k of resample r is bits(k) * 5 / 2^32 of the key `seed` and the
  // counter (block, 11, r); sklearn's f1_score and roc_auc_score; numpy.var(ddof=1), for ROC-AUC without NaN. Over all
  // 5^5 resamples the variances are 0.0720 and 0.0906.
  const std::vector<int32_t> each = {0, 1, 2, 3, 4};
  CHECK(near(variances(kFiveTexts, each)[0], 0.07157443590764266));
  CHECK(near(variances(kFiveTexts, each)[1], 0.09391155061732817));
  CHECK(near(variances(kFiveTexts, each, (uint64_t{1} << 33) + 1)[0], 0.07066360328312304));
  CHECK(near(variances(kFiveTexts, each, (uint64_t{1} << 33) + 1)[1], 0.09730289701381821));
  // The same with the groups {0, 1}, {2} and {3, 4}: bits(k) * 3 / 2^32, and a group brings its texts.
  CHECK(near(variances(kFiveTexts, {0, 0, 1, 2, 2})[0], 0.044653242721133815));
  CHECK(near(variances(kFiveTexts, {0, 0, 1, 2, 2})[1], 0.07397493312010475));
}

TEST_CASE("the variances do not depend on the threads, nor on the order of the texts") {
  const Values alone = variances(kFiveTexts, {0, 1, 2, 3, 4}, 10, 1);
  CHECK(variances(kFiveTexts, {0, 1, 2, 3, 4}, 10, 3) == alone);
  const Models turned = {{0.2F, 0.3F, 0.8F, 0.1F, 0.9F}, {0.6F, 0.1F, 0.2F, 0.6F, 0.7F}, {0, 1, 1, 0, 1}};
  CHECK(variances(turned, {4, 3, 2, 1, 0}) == alone);
}

TEST_CASE("the variance of a mean is that of its texts over their number; of groups, that of the groups") {
  // 100 texts with the values 0 and 1, half each: 1/4 over 100. In ten groups of equal texts: 1/4 over 10. The
  // variance of 2000 resamples is within four standard errors, 4 sqrt(2 / 2000) = 13 %.
  std::vector<int32_t> each(100), grouped(100);
  std::iota(each.begin(), each.end(), 0);
  for (int i = 0; i < 100; ++i) grouped[i] = i / 10;
  const auto mean_of_odd_groups = [](std::span<const int32_t> times, std::span<double> values) {
    double sum = 0;
    for (size_t i = 0; i < times.size(); ++i) sum += i / 10 % 2 * times[i];
    values[0] = sum / 100;
  };
  CHECK(bootstrap_variances(each, 1, mean_of_odd_groups, 7)[0] == doctest::Approx(0.0025).epsilon(0.13));
  CHECK(bootstrap_variances(grouped, 1, mean_of_odd_groups, 7)[0] == doctest::Approx(0.025).epsilon(0.13));
  CHECK_THROWS_AS(bootstrap_variances({}, 1, mean_of_odd_groups, 7), Error);
}

}  // namespace
}  // namespace notnot
