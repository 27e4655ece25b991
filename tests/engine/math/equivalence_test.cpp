#include "engine/math/equivalence.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "kernels/base/error.h"

namespace notnot {
namespace {

using Values = std::vector<double>;

bool near(double value, double expected) { return std::fabs(value - expected) <= 1e-12 * std::fabs(expected); }

TEST_CASE("the two one-sided t tests have scipy's p values") {
  // v = numpy.array([.002, .004, 0, .006]); d = .01; scipy.stats.ttest_1samp(v, -d, alternative="greater").pvalue,
  // (v, d, alternative="less"); v.mean() + scipy.stats.t.ppf([.05, .95], 3) * v.std(ddof=1) / 2
  const Equivalence result = two_one_sided_t_tests(Values{0.002, 0.004, 0, 0.006}, 0.01);
  CHECK(near(result.mean, 0.003));
  CHECK(near(result.standard_error, 0.0012909944487358056));
  CHECK(near(result.p_above_low, 0.0010427401574876387));
  CHECK(near(result.p_below_high, 0.006153775910743138));
  CHECK(result.p() == result.p_below_high);
  CHECK(std::fabs(result.interval.low - -3.8179130186982886e-05) <= 1e-17);
  CHECK(near(result.interval.high, 0.006038179130186982));
  CHECK(result.equivalent());
  // The same on the other side of 0.
  const Equivalence below = two_one_sided_t_tests(Values{-0.002, -0.004, 0, -0.006}, 0.01);
  CHECK(below.p() == below.p_above_low);
  CHECK(below.p() == result.p());
}

TEST_CASE("a mean is equivalent where its 90 % interval is inside the margins, and only there") {
  const Values values = {0.002, 0.004, 0, 0.006};
  const double bound = two_one_sided_t_tests(values, 1).interval.high;
  for (const double margin : {0.5 * bound, bound * (1 - 1e-9), bound * (1 + 1e-9), 2 * bound}) {
    CAPTURE(margin);
    const Equivalence result = two_one_sided_t_tests(values, margin);
    CHECK(result.equivalent() == (margin > bound));
    CHECK(result.equivalent() == equivalent(result.interval, margin));
  }
  CHECK(two_one_sided_t_tests(values, 1e-5).p() > 0.5);  // a mean outside the margins
}

TEST_CASE("values that are all equal leave no doubt") {
  const Values same = {0.1, 0.1, 0.1};  // their sum over 3 is not 0.1
  CHECK(two_one_sided_t_tests(same, 0.100001).p() == 0);
  CHECK(two_one_sided_t_tests(same, 0.1).p() == 1);
  CHECK(two_one_sided_t_tests(same, 0.09).p() == 1);
  CHECK(two_one_sided_t_tests(Values{-0.1, -0.1, -0.1}, 0.1).p() == 1);
  CHECK(two_one_sided_t_tests(same, 0.2).interval.low == 0.1);
  CHECK(two_one_sided_t_tests(same, 0.2).interval.high == 0.1);
}

TEST_CASE("the bootstrap's interval lies inside the margins, both ends") {
  CHECK(equivalent({-0.01, 0.02}, 0.021));
  CHECK_FALSE(equivalent({-0.01, 0.02}, 0.02));
  CHECK_FALSE(equivalent({-0.03, 0.02}, 0.021));
  CHECK_FALSE(equivalent({std::nan(""), std::nan("")}, 1));
}

TEST_CASE("no margin, or one value, is an error") {
  CHECK_THROWS_AS(two_one_sided_t_tests(Values{1, 2}, 0), Error);
  CHECK_THROWS_AS(two_one_sided_t_tests(Values{1, 2}, std::nan("")), Error);
  CHECK_THROWS_AS(two_one_sided_t_tests(Values{1}, 1), Error);
  CHECK_THROWS_AS(two_one_sided_t_tests(Values{1, std::numeric_limits<double>::infinity()}, 1), Error);
  CHECK_THROWS_AS(equivalent({0, 0}, 0), Error);
}

}  // namespace
}  // namespace notnot
