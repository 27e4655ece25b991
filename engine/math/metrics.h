#pragma once
// The measures of the paper (section 3.1 and Tables 2 to 4), computed in double on the host.
#include <cstdint>
#include <span>

namespace notnot {

/// The class that is predicted at this probability of class 1: 1 above 0.5, strictly; otherwise 0, for NaN too.
inline int32_t predicted_class(float probability) { return probability > 0.5F ? 1 : 0; }

/// How well one model classifies one split.
struct Classification {
  double f1 = 0;  ///< of class 1; 0 when no text has class 1 and none is predicted to have it
  double accuracy = 0;
  double roc_auc = 0;  ///< area by the trapezoidal rule, ties counted half (Mann-Whitney); NaN with one class only
  /// Sum over the distinct thresholds of (recall step) * precision; 0 without a text of class 1.
  double average_precision = 0;
};
/// The measures of a split that was not evaluated: all NaN.
Classification undefined_classification();
/// The measures of `probability` [n], the predicted probabilities of class 1, against `label` [n] of 0 or 1; n >= 1. A
/// NaN probability or another label throws Error.
Classification classify(std::span<const float> probability, std::span<const int32_t> label);

/// Classification::average_precision alone, of scores that may be any numbers but NaN.
double average_precision(std::span<const float> score, std::span<const int32_t> label);

}  // namespace notnot
