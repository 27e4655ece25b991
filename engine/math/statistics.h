#pragma once
// Statistics of the report: means, spreads and violins. All in double on the host. Values must be finite unless said
// otherwise; NaN and infinity throw Error.
#include <cstddef>
#include <numbers>
#include <span>
#include <vector>

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

/// Where a value lies with some confidence.
struct Interval {
  double low = 0, high = 0;
};

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

}  // namespace notnot
