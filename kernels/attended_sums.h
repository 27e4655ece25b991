#pragma once
// The sums behind a text's logit, b + mean of the contributions under its stored weights: operations on one text with
// frozen states begin with them (exact_adversary.h, erasure_flip.h).
#include "kernels/base/math.h"
#include "kernels/base/span.h"

namespace notnot {

/// In fp64: the sum of the weights, which is 1 up to rounding, and that of their products with the contributions.
struct AttendedSums {
  double weights = 0, products = 0;

  /// NaN where a contribution is infinite.
  NOTNOT_HD double mean() const { return products / weights + 0 * products; }
};

/// Over the tokens first, first + step, ... before `end`.
NOTNOT_HD AttendedSums attended_sums(Span<const float> log_attention, Span<const float> contributions, int32_t first,
                                     int32_t end, int32_t step) {
  AttendedSums sums;
  for (int32_t n = first; n < end; n += step) {
    const double weight = exponential(double{log_attention[n]});
    sums.weights += weight;
    sums.products += weight * double{contributions[n]};
  }
  return sums;
}

}  // namespace notnot
