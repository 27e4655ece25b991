#include "engine/math/multiple_testing.h"

#include <doctest/doctest.h>

#include <cmath>

#include "kernels/base/error.h"

namespace notnot {
namespace {

using Values = std::vector<double>;

bool near(const Values& values, const Values& expected) {
  bool all = values.size() == expected.size();
  for (size_t i = 0; all && i < values.size(); ++i) all = std::fabs(values[i] - expected[i]) <= 1e-15;
  return all;
}

TEST_CASE("Holm's correction, by hand") {
  // 0.01 * 4; 0.02 * 3; 0.03 * 2, which is as much; 0.9 * 1
  CHECK(holm(Values{0.03, 0.01, 0.9, 0.02}) == Values{0.06, 0.04, 0.9, 0.06});
  CHECK(near(holm(Values{0.01, 0.04, 0.03}), {0.03, 0.06, 0.06}));
  // Never smaller than the one before it, never above 1.
  CHECK(holm(Values{0.3, 0.25, 0.5}) == Values{0.75, 0.75, 0.75});
  CHECK(holm(Values{0.6, 0.7}) == Values{1, 1});
  CHECK(holm(Values{}).empty());
}

TEST_CASE("Benjamini and Hochberg's correction, by hand") {
  // 0.01 * 3; 0.03 * 3 / 2, which is more than the next, 0.04 * 3 / 3
  CHECK(near(benjamini_hochberg(Values{0.01, 0.04, 0.03}), {0.03, 0.04, 0.04}));
  // 0.005 * 4 / 1; 0.02 * 4 / 2; 0.02 * 4 / 3, which is less and counts for both; 0.9 * 4 / 4
  CHECK(near(benjamini_hochberg(Values{0.02, 0.9, 0.005, 0.02}), {0.08 / 3, 0.9, 0.02, 0.08 / 3}));
  CHECK(benjamini_hochberg(Values{1, 1}) == Values{1, 1});
  CHECK(benjamini_hochberg(Values{}).empty());
}

TEST_CASE("no p is NaN") {
  CHECK_THROWS_AS(holm(Values{0.1, std::nan("")}), Error);
  CHECK_THROWS_AS(benjamini_hochberg(Values{std::nan("")}), Error);
}

}  // namespace
}  // namespace notnot
