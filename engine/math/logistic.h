#pragma once
// Changes of a probability from logits, in double: where the probability is near 1, its distance from 1 has the digits.
#include "kernels/base/math.h"

namespace notnot {

/// sigmoid(z) - sigmoid(other), taken where both are small, so that a probability near 1 loses no digits.
inline double probability_change(double z, double other) {
  return z + other > 0 ? sigmoid(-other) - sigmoid(-z) : sigmoid(z) - sigmoid(other);
}
/// The derivative of sigmoid at z, p (1 - p).
inline double probability_slope(double z) { return sigmoid(z) * sigmoid(-z); }

}  // namespace notnot
