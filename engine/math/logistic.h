#pragma once
// Probabilities from logits in double, where a difference from 1 counts.
#include <cmath>

namespace notnot {

/// 1 / (1 + e^-z), right to an ulp or two for every z: the probability of class 1; logistic(-z) is that of class 0.
inline double logistic(double z) {
  const double small = std::exp(-std::abs(z));
  return (z < 0 ? small : 1) / (1 + small);
}
/// logistic(a) - logistic(b). Above 1/2 the difference is taken of the probabilities of class 0, which keep their
/// digits.
inline double logistic_difference(double a, double b) {
  return a + b > 0 ? logistic(-b) - logistic(-a) : logistic(a) - logistic(b);
}
/// The derivative p (1 - p) at z.
inline double logistic_slope(double z) { return logistic(z) * logistic(-z); }

}  // namespace notnot
