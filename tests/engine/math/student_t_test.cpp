#include "engine/math/student_t.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "kernels/base/error.h"

namespace notnot {
namespace {

/// lgamma of large arguments loses some digits.
void check_near(double value, double expected) { CHECK(std::fabs(value - expected) <= 1e-9 * std::fabs(expected)); }

TEST_CASE("the incomplete beta function has scipy's values") {
  // scipy.special.betainc(a, b, x)
  check_near(incomplete_beta(1, 0.5, 0.3), 0.16333997346592444);
  check_near(incomplete_beta(2.35, 0.5, 0.9), 0.5042351534253121);
  check_near(incomplete_beta(0.5, 50, 0.01), 0.6826956021258024);
  check_near(incomplete_beta(862, 0.5, 0.998), 0.06323447815578487);
  CHECK(incomplete_beta(2, 3, 0) == 0);
  CHECK(incomplete_beta(2, 3, 1) == 1);
  CHECK_THROWS_AS(incomplete_beta(0, 1, 0.5), Error);
  CHECK_THROWS_AS(incomplete_beta(1, 1, std::nan("")), Error);
}

TEST_CASE("the tail of Student's t, far out and for degrees of freedom that are no whole number") {
  // scipy.stats.t.sf(t, df)
  check_near(student_t_tail(1.5, 2.7), 0.12012859519419851);
  check_near(student_t_tail(4.2, 3.3), 0.010183331569760496);
  check_near(student_t_tail(-2, 5.5), 0.9516228048844075);
  check_near(student_t_tail(30, 8), 8.26762837588895e-10);
  check_near(student_t_tail(2, 1e5), 0.022751481728753256);
  check_near(student_t_tail(1e5, 1.5), 1.1924482404598363e-08);
  CHECK(student_t_tail(0, 3) == 0.5);
  CHECK(student_t_tail(std::numeric_limits<double>::infinity(), 3) == 0);
  CHECK(student_t_tail(-std::numeric_limits<double>::infinity(), 3) == 1);
  CHECK_THROWS_AS(student_t_tail(std::nan(""), 3), Error);
  CHECK_THROWS_AS(student_t_tail(1, 0), Error);
}

TEST_CASE("the quantiles of Student's t are scipy's") {
  // scipy.stats.t.ppf(share, df)
  check_near(student_t_quantile(0.975, 1), 12.706204736174694);
  check_near(student_t_quantile(0.975, 1.5), 6.016663104427929);
  check_near(student_t_quantile(0.975, 2), 4.302652729749462);
  check_near(student_t_quantile(0.975, 2.7), 3.3921483831737507);
  check_near(student_t_quantile(0.975, 4.25), 2.7132058471460594);
  check_near(student_t_quantile(0.975, 10), 2.228138851986274);
  check_near(student_t_quantile(0.975, 1724), 1.961340962075266);
  check_near(student_t_quantile(0.975, 1e6), 1.959966356814107);
  check_near(student_t_quantile(0.95, 2.7), 2.4638889362708496);
  check_near(student_t_quantile(0.95, 30.5), 1.6963751158527451);
  check_near(student_t_quantile(0.6, 1.5), 0.30074539256979543);
  check_near(student_t_quantile(0.9995, 1), 636.6192487687897);
  check_near(student_t_quantile(0.025, 4.25), -2.7132058471460603);
  CHECK(std::fabs(student_t_quantile(0.5, 4)) < 1e-12);
  CHECK_THROWS_AS(student_t_quantile(1, 4), Error);
}

}  // namespace
}  // namespace notnot
