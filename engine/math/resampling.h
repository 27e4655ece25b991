#pragma once
// How much a measure would vary on other texts: the bootstrap (Efron 1979), with texts that belong together, such as
// those of one patient, drawn together.
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "kernels/base/available_threads.h"

namespace notnot {

/// The measures of one resample. `times` [texts] says how often each text was drawn; `values` is to be filled. Called
/// from several threads at once; must not throw.
using Resampled = std::function<void(std::span<const int32_t> times, std::span<double> values)>;

/// The variance, over the resamples, of each of the measures (`values` of them). cluster [texts] numbers the groups of
/// texts from 0; each resample draws as many groups as there are, with replacement, and a group brings all its texts.
/// A resample for which a measure is undefined (NaN) is left out of its variance. The result depends on the arguments
/// only, not on the number of threads, and on the order of the texts only as the numbers of the groups do.
///
/// Of B resamples the square root has a relative error of 1 / sqrt(2B): 1.6 % of kResamples.
std::vector<double> bootstrap_variances(std::span<const int32_t> cluster, int32_t values, const Resampled& resampled,
                                        uint64_t seed, int threads = available_threads());
inline constexpr int32_t kResamples = 2000;

/// The measures of a model on texts of which each counts a number of times.
class ResampledMeasures {
 public:
  /// probability and label [texts]: as classify's, and with its errors. Both must outlive this.
  ResampledMeasures(std::span<const float> probability, std::span<const int32_t> label);

  double f1(std::span<const int32_t> times) const;
  double roc_auc(std::span<const int32_t> times) const;  ///< NaN if one class is not drawn

 private:
  std::span<const float> probability_;
  std::span<const int32_t> label_;
  std::vector<int32_t> by_probability_;  ///< [texts] the texts, the least probability first
};

}  // namespace notnot
