#include "engine/math/equivalence.h"

#include <algorithm>
#include <cmath>

#include "engine/math/student_t.h"
#include "kernels/base/error.h"

namespace notnot {
namespace {

void check_margin(double margin) { NOTNOT_CHECK(margin > 0, "the margin {}", margin); }

/// P(T > distance / error); without an error there is no chance.
double tail(double distance, double error, double degrees_of_freedom) {
  if (error > 0) return student_t_tail(distance / error, degrees_of_freedom);
  return distance > 0 ? 0 : 1;
}

}  // namespace

double Equivalence::p() const { return std::max(p_above_low, p_below_high); }

Equivalence two_one_sided_t_tests(std::span<const double> values, double margin) {
  check_margin(margin);
  NOTNOT_CHECK(values.size() >= 2, "an interval of {} values", values.size());
  Equivalence result{.mean = mean(values),
                     .standard_error = standard_deviation(values) / std::sqrt(static_cast<double>(values.size())),
                     .p_above_low = 0,
                     .p_below_high = 0,
                     .interval = {}};
  const auto [least, largest] = std::minmax_element(values.begin(), values.end());
  if (*least == *largest) result.mean = *least, result.standard_error = 0;  // their rounded mean may be another
  const auto degrees_of_freedom = static_cast<double>(values.size() - 1);
  result.p_above_low = tail(result.mean + margin, result.standard_error, degrees_of_freedom);
  result.p_below_high = tail(margin - result.mean, result.standard_error, degrees_of_freedom);
  const double half_width = student_t_quantile(1 - kEquivalenceLevel, degrees_of_freedom) * result.standard_error;
  result.interval = {result.mean - half_width, result.mean + half_width};
  return result;
}

bool equivalent(const Interval& interval_90, double margin) {
  check_margin(margin);
  return interval_90.low > -margin && interval_90.high < margin;
}

}  // namespace notnot
