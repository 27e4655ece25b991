#include "engine/math/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "engine/math/metrics.h"
#include "engine/math/random.h"
#include "kernels/base/error.h"
#include "kernels/base/share_out.h"

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

/// Texts by (label, predicted by a, predicted by b): all that two F1s depend on.
using Counts = std::array<int64_t, 8>;

size_t cell(int32_t label, float probability_a, float probability_b) {
  return 4 * label + 2 * predicted_class(probability_a) + predicted_class(probability_b);
}

double f1(int64_t true_positives, int64_t wrong) {
  const double denominator = 2.0 * static_cast<double>(true_positives) + static_cast<double>(wrong);
  return denominator == 0 ? 0 : 2.0 * static_cast<double>(true_positives) / denominator;
}

double f1_difference(const Counts& n) {
  const int64_t both_wrong = n[3] + n[4];  // label 0, both say 1; label 1, both say 0
  return f1(n[6] + n[7], both_wrong + n[2] + n[5]) - f1(n[5] + n[7], both_wrong + n[1] + n[6]);
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

F1Difference paired_bootstrap_f1(std::span<const float> probability_a, std::span<const float> probability_b,
                                 std::span<const int32_t> labels, int32_t resamples, uint64_t seed, int threads) {
  NOTNOT_CHECK(resamples >= 1, "{} resamples", resamples);
  // From classify, not from the counts: every table shows the same F1, after the same checks.
  F1Difference result{.difference = classify(probability_a, labels).f1 - classify(probability_b, labels).f1};

  const int64_t texts = labels.size();
  std::vector<size_t> cells;
  for (size_t i = 0; i < labels.size(); ++i) cells.push_back(cell(labels[i], probability_a[i], probability_b[i]));
  std::vector<double> differences(resamples);
  constexpr int64_t kCostOfText = 40;  // of its random number
  parallel_for(threads, resamples, kCostOfText * texts, [&](int32_t resample) {
    const Random random(seed, Purpose::bootstrap, resample);
    Counts counts{};
    for (int64_t i = 0; i < texts; ++i) {
      ++counts[cells[random.integer(i, 0, texts - 1)]];
    }
    differences[resample] = f1_difference(counts);
  });

  constexpr double rounding = 1e-12;  // the same F1 may come from another division
  const auto extreme = std::count_if(differences.begin(), differences.end(), [&](double value) {
    return std::fabs(value - result.difference) >= std::fabs(result.difference) - rounding;
  });
  result.p_value = static_cast<double>(1 + extreme) / static_cast<double>(1 + int64_t{resamples});
  result.low = quantile(differences, 0.025);
  result.high = quantile(differences, 0.975);
  return result;
}

}  // namespace notnot
