#include "engine/math/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/base/error.h"

namespace notnot {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

void check_finite(std::span<const double> values) {
  for (size_t i = 0; i < values.size(); ++i) {
    NOTNOT_CHECK(std::isfinite(values[i]), "value {} of {} is {}", i, values.size(), values[i]);
  }
}

std::vector<double> sorted(std::span<const double> values) {
  check_finite(values);
  std::vector<double> result(values.begin(), values.end());
  std::sort(result.begin(), result.end());
  return result;
}

double quantile_of_sorted(const std::vector<double>& values, double share) {
  if (values.empty()) return kNaN;
  const double position = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, values.size() - 1);
  return std::lerp(values[below], values[above], position - static_cast<double>(below));
}

double density_at(double x, std::span<const double> values, double bandwidth) {
  double sum = 0;
  for (const double value : values) {
    const double z = (x - value) / bandwidth;
    sum += std::exp(-0.5 * z * z);
  }
  return sum / (static_cast<double>(values.size()) * bandwidth * std::sqrt(2 * std::numbers::pi));
}

}  // namespace

double mean(std::span<const double> values) {
  check_finite(values);
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? kNaN : sum / static_cast<double>(values.size());
}

double standard_deviation(std::span<const double> values) {
  const double centre = mean(values);
  if (values.size() < 2) return kNaN;
  double sum = 0;
  for (const double value : values) sum += (value - centre) * (value - centre);
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

double quantile(std::span<const double> values, double share) {
  NOTNOT_CHECK(share >= 0 && share <= 1, "the quantile at {}: a share is from 0 to 1", share);
  return quantile_of_sorted(sorted(values), share);
}

double median(std::span<const double> values) { return quantile(values, 0.5); }

Violin violin(std::span<const double> values, double low, double high) {
  const std::vector<double> ordered = sorted(values);
  Violin result{.count = values.size(),
                .lower_quartile = quantile_of_sorted(ordered, 0.25),
                .median = quantile_of_sorted(ordered, 0.5),
                .upper_quartile = quantile_of_sorted(ordered, 0.75),
                .grid = {},
                .density = {}};
  if (ordered.empty()) return result;
  NOTNOT_CHECK(ordered.front() >= low && ordered.back() <= high, "values from {} to {} outside {} to {}",
               ordered.front(), ordered.back(), low, high);
  constexpr double equal_within = 1e-9;
  if (ordered.size() < 3 || ordered.back() - ordered.front() < equal_within) return result;

  const double bandwidth = standard_deviation(values) * std::pow(static_cast<double>(values.size()), -0.2);
  const double first = std::max(low, ordered.front() - 2 * bandwidth);
  const double last = std::min(high, ordered.back() + 2 * bandwidth);
  for (int i = 0; i < kViolinPoints; ++i) {
    result.grid.push_back(std::lerp(first, last, static_cast<double>(i) / (kViolinPoints - 1)));
    result.density.push_back(density_at(result.grid.back(), ordered, bandwidth));
  }
  return result;
}

}  // namespace notnot
