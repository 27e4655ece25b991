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

}  // namespace
}  // namespace notnot
