#include "engine/math/statistics.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "engine/math/divergence.h"
#include "kernels/base/error.h"

namespace notnot {
namespace {

constexpr double kTolerance = 1e-12;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kLn2 = std::numbers::ln2;

/// False for NaN.
bool near(double value, double expected, double tolerance = kTolerance) {
  return std::fabs(value - expected) <= tolerance;
}

using Values = std::vector<double>;

const Values kFive = {0.1, 0.4, 0.15, 0.05, 0.6};

/// The numbers that the Python lines below call draws(seed, n, below):
///   def draws(s, n, below):
///       for _ in range(n): s = (s * 1103515245 + 12345) % 2**31; yield (s >> 16) % below
std::vector<int64_t> draws(int64_t state, size_t size, int64_t below) {
  std::vector<int64_t> result;
  for (size_t i = 0; i < size; ++i) {
    state = (state * 1103515245 + 12345) % (int64_t{1} << 31);
    result.push_back((state >> 16) % below);
  }
  return result;
}

/// w = numpy.array(list(draws(7, 200, 1024))) / 1477
Values two_hundred() {
  Values result;
  for (const int64_t value : draws(7, 200, 1024)) result.push_back(static_cast<double>(value) / 1477);
  return result;
}

struct Predictions {
  std::vector<float> a, b;
  std::vector<int32_t> labels;
};

F1Difference bootstrap(const Predictions& p, int32_t resamples = 10000, uint64_t seed = 10) {
  return paired_bootstrap_f1(p.a, p.b, p.labels, resamples, seed);
}

const Predictions kFiveTexts = {{0.9F, 0.2F, 0.8F, 0.4F, 0.1F}, {0.7F, 0.6F, 0.1F, 0.3F, 0.2F}, {1, 0, 1, 1, 0}};

/// u, y, pa and pb of the test against NumPy.
Predictions four_hundred() {
  Predictions result;
  const auto a = draws(11, 400, 1000), label = draws(12, 400, 1000), b = draws(13, 400, 1000);
  for (size_t i = 0; i < 400; ++i) {
    const bool truth = label[i] < 500;
    result.labels.push_back(truth ? 1 : 0);
    result.a.push_back((a[i] < 860) == truth ? 0.75F : 0.25F);
    result.b.push_back((b[i] < 800) == truth ? 0.75F : 0.25F);
  }
  return result;
}

TEST_CASE("mean and standard deviation") {
  CHECK(near(mean(Values{1, 2, 6}), 3));
  CHECK(near(standard_deviation(Values{1, 2, 6}), std::sqrt(7.0)));  // (4 + 1 + 9) / 2
  CHECK(standard_deviation(Values{0.3, 0.3, 0.3}) == 0);
  // numpy.mean(v), numpy.std(v, ddof=1) of kFive; of w
  CHECK(near(mean(kFive), 0.26));
  CHECK(near(standard_deviation(kFive), 0.2329162939770423));
  CHECK(near(mean(two_hundred()), 0.3471800947867299));
  CHECK(near(standard_deviation(two_hundred()), 0.19594843363763959));
}

TEST_CASE("mean, standard deviation and quantiles of too few values") {
  CHECK(std::isnan(mean({})));
  CHECK(std::isnan(standard_deviation({})));
  CHECK(std::isnan(standard_deviation(Values{5})));
  CHECK(mean(Values{5}) == 5);
  CHECK(std::isnan(median({})));
  CHECK(median(Values{5}) == 5);
  CHECK(quantile(Values{5}, 0.9) == 5);
}

TEST_CASE("quantiles, as numpy's default") {
  CHECK(median(Values{3, 1, 2}) == 2);
  CHECK(median(Values{4, 1, 3, 2}) == 2.5);
  // [numpy.quantile(v, q) for q in (0, 0.1, 0.25, 0.5, 0.75, 0.9, 1)]
  const Values shares = {0, 0.1, 0.25, 0.5, 0.75, 0.9, 1}, expected = {0.05, 0.07, 0.1, 0.15, 0.4, 0.52, 0.6};
  for (size_t i = 0; i < shares.size(); ++i) CHECK(near(quantile(kFive, shares[i]), expected[i]));
  // [numpy.quantile(w, q) for q in (0.025, 0.25, 0.5, 0.75, 0.975)]
  CHECK(near(quantile(two_hundred(), 0.025), 0.016147596479350036));
  CHECK(near(quantile(two_hundred(), 0.25), 0.18601895734597157));
  CHECK(near(median(two_hundred()), 0.36323628977657413));
  CHECK(near(quantile(two_hundred(), 0.75), 0.5049085985104943));
  CHECK(near(quantile(two_hundred(), 0.975), 0.6784698713608667));
}

TEST_CASE("total variation: one output or two classes") {
  CHECK(near(total_variation(0.9, 0.4), 0.25));
  CHECK(near(total_variation(0.4, 0.9, kTvdSingle), 0.25));
  CHECK(near(total_variation(0.4, 0.9, kTvdTwoClass), 0.5));
  CHECK(total_variation(0.4, 0.4) == 0);
}

TEST_CASE("what is not a number is an error") {
  CHECK_THROWS_AS(mean(Values{1, kNaN}), Error);
  CHECK_THROWS_AS(standard_deviation(Values{1, std::numeric_limits<double>::infinity()}), Error);
  CHECK_THROWS_AS(quantile(Values{1, kNaN}, 0.5), Error);
  CHECK_THROWS_AS(quantile(Values{1, 2}, 1.5), Error);
  CHECK_THROWS_AS(quantile(Values{1, 2}, kNaN), Error);
  CHECK_THROWS_AS(total_variation(0.5, kNaN), Error);
  CHECK_THROWS_AS(violin(Values{0.1, 0.2, kNaN}), Error);
  CHECK_THROWS_AS(violin(Values{0.1, 0.2, 0.8}), Error);  // above ln 2
  CHECK_THROWS_AS(violin(Values{-0.1, 0.2, 0.3}), Error);
}

/// scipy: k = gaussian_kde(v); bw = k.covariance[0, 0] ** 0.5;
/// g = numpy.linspace(max(0, min(v) - 2 * bw), min(log(2), max(v) + 2 * bw), 100); g[i], k(g)[i]
struct GridPoint {
  size_t index;
  double x, density;
};

void check_violin(const Values& values, const std::vector<GridPoint>& expected) {
  const Violin result = violin(values);
  REQUIRE(result.grid.size() == kViolinPoints);
  REQUIRE(result.density.size() == kViolinPoints);
  CHECK(result.count == values.size());
  CHECK(result.lower_quartile == quantile(values, 0.25));
  CHECK(result.median == median(values));
  CHECK(result.upper_quartile == quantile(values, 0.75));
  for (const GridPoint& point : expected) {
    CAPTURE(point.index);
    CHECK(near(result.grid[point.index], point.x));
    CHECK(near(result.density[point.index], point.density, 1e-11));
  }
}

TEST_CASE("violins have scipy's density, cut to what is possible") {
  check_violin(kFive, {{0, 0, 1.1968190388206905},
                       {33, 0.23104906018664842, 1.366623061526233},
                       {50, 0.350074333616134, 1.0996876267656888},
                       {99, kLn2, 0.5145390983822714}});
  check_violin(two_hundred(), {{0, 0, 0.7189452290832591},
                               {33, 0.23104906018664842, 1.3919021459992156},
                               {50, 0.350074333616134, 1.4662864782922687},
                               {99, kLn2, 0.6267975406298765}});
  // Narrow: nothing to cut. v = [0.3, 0.31, 0.33]
  check_violin({0.3, 0.31, 0.33}, {{0, 0.2754758401983111, 1.6742441865748283},
                                   {50, 0.3153992339373908, 20.109475118967563},
                                   {99, 0.3545241598016889, 1.4831143669378934}});
}

TEST_CASE("a violin's density sums to nearly 1 where nothing is cut") {
  const Violin result = violin(two_hundred(), -10, 10);
  const double step = result.grid[1] - result.grid[0];
  CHECK(near(std::accumulate(result.density.begin(), result.density.end(), 0.0) * step, 1, 0.01));
  CHECK(result.grid.front() < 0);
}

TEST_CASE("too few values, or equal ones, have no shape") {
  for (const Values& values : {Values{}, Values{0.2}, Values{0.2, 0.3}, Values{0.2, 0.2, 0.2, 0.2}}) {
    CAPTURE(values.size());
    const Violin result = violin(values);
    CHECK(result.count == values.size());
    CHECK(result.grid.empty());
    CHECK(result.density.empty());
    CHECK(std::isnan(result.median) == values.empty());
  }
  CHECK(violin(Values{0.2, 0.3}).median == 0.25);
  CHECK(violin(Values{0, 0, kLn2}).grid.back() == kLn2);
  // Equal but for rounding: no outline could be drawn.
  CHECK(violin(Values{0.3, 0.3, std::nextafter(0.3, 1)}).grid.empty());
}

TEST_CASE("bootstrap of F1: one text, and models that agree") {
  const F1Difference same = bootstrap({{0.9F, 0.1F}, {0.8F, 0.4F}, {1, 0}});
  CHECK(same.difference == 0);
  CHECK(same.low == 0);
  CHECK(same.high == 0);
  CHECK(same.p_value == 1);
  // Every resample is the same text: the difference is 1 each time, so no resample lies 1 or more away from it.
  const F1Difference one = bootstrap({{0.9F}, {0.1F}, {1}}, 99);
  CHECK(one.difference == 1);
  CHECK(one.low == 1);
  CHECK(one.high == 1);
  CHECK(near(one.p_value, 1.0 / 100));
}

TEST_CASE("bootstrap of F1: all resamples of two texts") {
  // A: right, right. B: right, wrong (label 1 missed). Of the four resamples {1,1} has difference 0, {2,2} has 1, the
  // two mixed ones 1 - 2/3. The true one is 1/3: at least 1/3 away are {1,1} and {2,2}.
  const F1Difference result = bootstrap({{0.9F, 0.9F}, {0.9F, 0.1F}, {1, 1}});
  CHECK(near(result.difference, 1.0 / 3));
  CHECK(result.low == 0);
  CHECK(result.high == 1);
  CHECK(near(result.p_value, 0.5, 0.02));  // 4 standard errors of 10000 resamples
}

TEST_CASE("bootstrap of F1: scikit-learn's F1 over all resamples of five texts") {
  // y = numpy.array([1, 0, 1, 1, 0]); a = numpy.array([1, 0, 1, 0, 0]); b = numpy.array([1, 1, 0, 0, 0])
  // f = lambda p, i: f1_score(y[i], p[i], zero_division=0); d = f(a, range(5)) - f(b, range(5))
  // r = numpy.array([f(a, list(i)) - f(b, list(i)) for i in itertools.product(range(5), repeat=5)])
  // d, numpy.mean(abs(r - d) >= abs(d) - 1e-12), numpy.quantile(r, [0.025, 0.975])
  const F1Difference result = bootstrap(kFiveTexts);
  CHECK(near(result.difference, 0.4));
  CHECK(near(result.p_value, 0.2656, 0.018));  // 4 standard errors
  CHECK(result.low == 0);
  CHECK(result.high == 1);
}

TEST_CASE("bootstrap of F1: the values of NumPy") {
  // u, v, w = (numpy.array(list(draws(seed, 400, 1000))) for seed in (11, 12, 13)); y = (v < 500).astype(int)
  // pa = numpy.where(u < 860, y, 1 - y); pb = numpy.where(w < 800, y, 1 - y); F = lambda t, wrong: 2 * t / (2 * t +
  // wrong) n = numpy.random.default_rng(0).multinomial(400, numpy.bincount(4 * y + 2 * pa + pb, minlength=8) / 400,
  // 400000).T r = F(n[6] + n[7], n[2:6].sum(0)) - F(n[5] + n[7], n[1] + n[3] + n[4] + n[6]) d = f1_score(y, pa) -
  // f1_score(y, pb); numpy.quantile(r, [0.025, 0.975]); numpy.mean(abs(r - d) >= abs(d))
  const F1Difference result = bootstrap(four_hundred());
  CHECK(near(result.difference, 0.031262455025415026));
  CHECK(near(result.low, -0.01509231, 0.003));
  CHECK(near(result.high, 0.0784073, 0.003));
  CHECK(near(result.p_value, 0.19043, 0.017));  // 4 standard errors
}

bool equal(const F1Difference& a, const F1Difference& b) {
  return a.difference == b.difference && a.low == b.low && a.high == b.high && a.p_value == b.p_value;
}

TEST_CASE("bootstrap of F1: a matter of the seed, not of the threads") {
  const Predictions p = four_hundred();
  const F1Difference alone = paired_bootstrap_f1(p.a, p.b, p.labels, 1000, 10, 1);
  CHECK(equal(paired_bootstrap_f1(p.a, p.b, p.labels, 1000, 10, 3), alone));
  CHECK(equal(bootstrap(four_hundred(), 1000), alone));
  CHECK_FALSE(equal(bootstrap(four_hundred(), 1000, 11), alone));
}

TEST_CASE("bootstrap of F1: swapping the models turns the signs") {
  Predictions swapped = four_hundred();
  std::swap(swapped.a, swapped.b);
  const F1Difference result = bootstrap(four_hundred(), 999), other = bootstrap(swapped, 999);
  CHECK(near(result.difference, -other.difference));
  CHECK(near(result.low, -other.high));
  CHECK(near(result.high, -other.low));
  CHECK(result.p_value == other.p_value);
}

TEST_CASE("bootstrap of F1: what cannot be measured is an error") {
  CHECK_THROWS_AS(bootstrap({{}, {}, {}}), Error);
  CHECK_THROWS_AS(bootstrap({{0.1F}, {0.1F, 0.2F}, {1}}), Error);
  CHECK_THROWS_AS(bootstrap({{0.1F}, {std::numeric_limits<float>::quiet_NaN()}, {1}}), Error);
  CHECK_THROWS_AS(bootstrap({{0.1F}, {0.2F}, {2}}), Error);
  CHECK_THROWS_AS(bootstrap(kFiveTexts, 0), Error);
}

}  // namespace
}  // namespace notnot
