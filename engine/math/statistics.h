#pragma once
// Statistics of the report: the means and spreads over seeds, the violins, and the intervals in the tables. All in
// double on the host. Values must be finite unless said otherwise; NaN and infinity throw Error.
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

#include "kernels/base/available_threads.h"

namespace notnot {

/// The mean; NaN without values.
double mean(std::span<const double> values);

/// The standard deviation of a sample, divided by n - 1; NaN for fewer than two values.
double standard_deviation(std::span<const double> values);

/// The quantile at `share`, from 0 to 1: linear between the two nearest order statistics (numpy's default, type 7 of
/// Hyndman & Fan 1996). NaN without values.
double quantile(std::span<const double> values, double share);

/// The quantile at 0.5.
double median(std::span<const double> values);

/// The outline of one violin.
struct Violin {
  size_t count = 0;
  double lower_quartile = 0, median = 0, upper_quartile = 0;  ///< NaN without values
  std::vector<double> grid, density;                          ///< kViolinPoints each, or empty: see violin()
};
inline constexpr int kViolinPoints = 100;

/// A Gaussian kernel density with Scott's bandwidth bw = standard_deviation * n^(-1/5), as scipy's gaussian_kde; on
/// kViolinPoints points, evenly from the least value - 2 bw to the largest + 2 bw as seaborn draws it, but cut to
/// [low, high], the range in which a value can lie: a divergence below 0 or above ln 2 does not exist. The density is
/// not scaled up for the part that is cut off. Fewer than three values, or values all equal to within 1e-9, show no
/// shape: grid and density stay empty, and the figure shows the values themselves. A value outside [low, high] throws
/// Error.
Violin violin(std::span<const double> values, double low = 0, double high = std::numbers::ln2);

/// F1 of model a minus F1 of model b on the same texts.
struct F1Difference {
  double difference = 0;
  double low = 0, high = 0;  ///< percentile interval of 95 %
  double p_value = 1;        ///< two-sided: chance of a difference at least as large if the true one were 0
};
/// Paired bootstrap over the texts: each resample draws as many texts as there are, with replacement, the same for
/// both models. p_value = (1 + resamples whose difference lies at least |difference| away from it) / (1 + resamples).
/// probability_a, probability_b [n] and labels [n] of 0 or 1, n >= 1; resamples >= 1; errors as classify's. The result
/// depends on the arguments only, not on the number of threads.
F1Difference paired_bootstrap_f1(std::span<const float> probability_a, std::span<const float> probability_b,
                                 std::span<const int32_t> labels, int32_t resamples, uint64_t seed,
                                 int threads = available_threads());

}  // namespace notnot
