#include "engine/math/divergence.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "engine/math/statistics.h"
#include "kernels/base/error.h"

namespace notnot {
namespace {

constexpr double kNothing = -std::numeric_limits<double>::infinity();  // the log of a weight of 0

}  // namespace

double jensen_shannon(std::span<const float> log_a, std::span<const float> log_b) {
  NOTNOT_CHECK(log_a.size() == log_b.size(), "{} and {} weights: the two texts differ", log_a.size(), log_b.size());
  double sum = 0;
  for (size_t i = 0; i < log_a.size(); ++i) {
    const double a = log_a[i], b = log_b[i];
    if (a == kNothing && b == kNothing) continue;
    // log a - log m = ln 2 - (max - a) - log1p(exp(min - max)): no underflow, and exactly 0 where a = b.
    const double high = std::max(a, b), low = std::min(a, b);
    const double above_mean = std::numbers::ln2 - std::log1p(std::exp(low - high));
    if (a != kNothing) sum += std::exp(a) * (above_mean - (high - a));
    if (b != kNothing) sum += std::exp(b) * (above_mean - (high - b));
  }
  NOTNOT_CHECK(std::isfinite(sum), "an attention weight is NaN or infinite: the training diverged");
  // Weights rounded to float do not sum to exactly 1.
  return std::clamp(0.5 * sum, 0.0, std::numbers::ln2);
}

double total_variation(double probability_1, double probability_2, double factor) {
  const double distance = factor * std::fabs(probability_1 - probability_2);
  NOTNOT_CHECK(std::isfinite(distance), "{} x |{} - {}| is no distance", factor, probability_1, probability_2);
  return distance;
}

double Divergences::mean_tvd() const { return mean(tvd); }
double Divergences::mean_jsd() const { return mean(jsd); }

}  // namespace notnot
