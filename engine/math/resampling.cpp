#include "engine/math/resampling.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/math/metrics.h"
#include "engine/math/random.h"
#include "engine/math/statistics.h"
#include "kernels/base/error.h"
#include "kernels/base/share_out.h"

namespace notnot {
namespace {

/// The variance of the values at offset, offset + step, ..., of those that are numbers.
double variance_of(const std::vector<double>& all, size_t offset, size_t step) {
  std::vector<double> values;
  for (size_t i = offset; i < all.size(); i += step) {
    if (std::isfinite(all[i])) values.push_back(all[i]);
  }
  const double deviation = standard_deviation(values);
  return deviation * deviation;
}

}  // namespace

std::vector<double> bootstrap_variances(std::span<const int32_t> cluster, int32_t values, const Resampled& resampled,
                                        uint64_t seed, int threads) {
  NOTNOT_CHECK(!cluster.empty() && *std::min_element(cluster.begin(), cluster.end()) >= 0, "{} texts", cluster.size());
  const int64_t clusters = 1 + *std::max_element(cluster.begin(), cluster.end());
  std::vector<double> all(int64_t{kResamples} * values);
  constexpr int64_t kCostOfText = 100;  // of its random number and of the measures
  parallel_for(threads, kResamples, kCostOfText * static_cast<int64_t>(cluster.size()), [&](int32_t resample) {
    const Random random(seed, Purpose::bootstrap, resample);
    std::vector<int32_t> drawn(clusters), times(cluster.size());
    for (int64_t i = 0; i < clusters; ++i) ++drawn[random.integer(i, 0, clusters - 1)];
    for (size_t i = 0; i < cluster.size(); ++i) times[i] = drawn[cluster[i]];
    resampled(times, std::span(all).subspan(int64_t{resample} * values, values));
  });
  std::vector<double> variances;
  variances.reserve(values);
  for (int32_t value = 0; value < values; ++value) variances.push_back(variance_of(all, value, values));
  return variances;
}

ResampledMeasures::ResampledMeasures(std::span<const float> probability, std::span<const int32_t> label)
    : probability_(probability), label_(label), by_probability_(label.size()) {
  (void)classify(probability, label);  // checks them
  std::iota(by_probability_.begin(), by_probability_.end(), 0);
  std::sort(by_probability_.begin(), by_probability_.end(),
            [&](int32_t a, int32_t b) { return probability[a] < probability[b]; });
}

double ResampledMeasures::f1(std::span<const int32_t> times) const {
  std::array<int64_t, 4> count{};  // by label and predicted class
  for (size_t i = 0; i < times.size(); ++i) count[2 * label_[i] + predicted_class(probability_[i])] += times[i];
  const int64_t denominator = 2 * count[3] + count[1] + count[2];
  return denominator == 0 ? 0 : 2.0 * static_cast<double>(count[3]) / static_cast<double>(denominator);
}

double ResampledMeasures::roc_auc(std::span<const int32_t> times) const {
  int64_t negatives = 0, positives = 0, twice_area = 0;  // so far, from the least probability on
  for (size_t i = 0; i < by_probability_.size();) {
    const float probability = probability_[by_probability_[i]];
    std::array<int64_t, 2> tied{};
    for (; i < by_probability_.size() && probability_[by_probability_[i]] == probability; ++i) {
      tied[label_[by_probability_[i]]] += times[by_probability_[i]];
    }
    twice_area += tied[1] * (2 * negatives + tied[0]);
    negatives += tied[0];
    positives += tied[1];
  }
  if (negatives == 0 || positives == 0) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(twice_area) / (2.0 * static_cast<double>(negatives) * static_cast<double>(positives));
}

}  // namespace notnot
