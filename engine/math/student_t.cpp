#include "engine/math/student_t.h"

#include <cmath>
#include <numeric>

#include "kernels/base/error.h"

namespace notnot {
namespace {

/// The coefficient d_k of DLMF 8.17.23.
double coefficient(double a, double b, double x, int k) {
  const double m = k / 2;  // NOLINT(bugprone-integer-division): k = 2m or 2m + 1
  if (k % 2 == 0) return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
  return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
}

double not_zero(double value) { return std::fabs(value) < 1e-300 ? 1e-300 : value; }

/// 1 / (1 + d_1 / (1 + d_2 / (1 + ...))). It needs some sqrt(max(a, b)) terms where x < (a + 1) / (a + b + 2).
double continued_fraction(double a, double b, double x) {
  constexpr int kMostTerms = 100000;
  double numerator = 1, denominator = 1 / not_zero(1 + coefficient(a, b, x, 1)), value = denominator;
  for (int k = 2; k < kMostTerms; ++k) {
    const double d = coefficient(a, b, x, k);
    denominator = 1 / not_zero(1 + d * denominator);
    numerator = not_zero(1 + d / numerator);
    const double factor = numerator * denominator;
    value *= factor;
    if (std::fabs(factor - 1) < 1e-15) return value;
  }
  NOTNOT_CHECK(false, "no convergence at a = {}, b = {}, x = {}", a, b, x);
  return value;
}

}  // namespace

double incomplete_beta(double a, double b, double x) {
  NOTNOT_CHECK(a > 0 && b > 0 && x >= 0 && x <= 1, "I_{}({}, {})", x, a, b);
  if (x == 0 || x == 1) return x;
  const double front =
      std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x));
  if (x < (a + 1) / (a + b + 2)) return front * continued_fraction(a, b, x) / a;
  return 1 - front * continued_fraction(b, a, 1 - x) / b;
}

double student_t_tail(double t, double degrees_of_freedom) {
  NOTNOT_CHECK(degrees_of_freedom > 0 && !std::isnan(t), "t = {} with {} degrees of freedom", t, degrees_of_freedom);
  if (std::isinf(t)) return t > 0 ? 0 : 1;
  const double x = degrees_of_freedom / (degrees_of_freedom + t * t);
  const double tail = incomplete_beta(degrees_of_freedom / 2, 0.5, x) / 2;
  return t >= 0 ? tail : 1 - tail;
}

double student_t_quantile(double share, double degrees_of_freedom) {
  NOTNOT_CHECK(share > 0 && share < 1, "the quantile at {}", share);
  if (share < 0.5) return -student_t_quantile(1 - share, degrees_of_freedom);
  double low = 0, high = 1;
  while (student_t_tail(high, degrees_of_freedom) > 1 - share) high *= 2;
  for (double middle = high / 2; low < middle && middle < high; middle = std::midpoint(low, high)) {
    (student_t_tail(middle, degrees_of_freedom) > 1 - share ? low : high) = middle;
  }
  return high;
}

}  // namespace notnot
