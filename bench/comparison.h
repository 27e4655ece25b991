#pragma once
// The difference of two results, such that NaN is never taken for equal.
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/base/error.h"

namespace notnot::bench {

/// NaN where either side has one.
inline double largest_difference(const std::vector<float>& actual, const std::vector<float>& expected) {
  NOTNOT_CHECK(actual.size() == expected.size(), "{} values for {}", actual.size(), expected.size());
  double worst = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    const double difference = std::abs(double{actual[i]} - expected[i]);
    if (!(difference <= worst)) worst = difference;
    if (std::isnan(worst)) return worst;
  }
  return worst;
}

/// The largest difference, relative to the largest expected value.
inline double relative_difference(const std::vector<float>& actual, const std::vector<float>& expected) {
  double scale = 0;
  for (const float value : expected) scale = std::max(scale, std::abs(double{value}));
  const double worst = largest_difference(actual, expected);
  return scale > 0 ? worst / scale : worst;
}

}  // namespace notnot::bench
