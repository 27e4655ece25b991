#pragma once
// The measures of the paper (section 3.1 and Tables 2 to 4), computed in double on the host.
#include <cstdint>
#include <span>

namespace notnot {

/// One split under one model. Class 1 is predicted when probability > 0.5, strictly.
struct Classification {
  double f1 = 0;  ///< of class 1; 0 when nothing is predicted and nothing is true
  double accuracy = 0;
  double roc_auc = 0;  ///< area by the trapezoidal rule, ties counted half (Mann-Whitney); NaN with one class only
  double average_precision =
      0;  ///< sum over distinct thresholds of (recall step) * precision; 0 without a true class 1
};
/// Of a split that was not evaluated: NaN throughout.
Classification undefined_classification();
/// probability [n], label [n] of 0 or 1, n >= 1. A NaN probability or another label throws Error.
Classification classify(std::span<const float> probability, std::span<const int32_t> label);

/// Jensen-Shannon divergence of two attention distributions given as log weights [n], natural log, 0 log 0 = 0; from 0
/// to ln 2, exactly 0 for equal weights. -inf is a weight of 0 (boundary tokens). NaN or +inf throws Error.
double jensen_shannon(std::span<const float> log_a, std::span<const float> log_b);

}  // namespace notnot
