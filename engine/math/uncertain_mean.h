#pragma once
// A mean over training seeds and over test texts, with an interval that knows of both.
//
// The model: with seed s, text i adds mu + a_s + b_i + c_si to the mean (crossed random effects; for F1 and ROC-AUC the
// linear term of the measure), where a, b, c are independent with variances A, B, C. Over n seeds and m texts the mean
// has the variance A/n + B/m + C/(nm). Two parts are estimated:
//   of the seeds  s^2 / n, from the sample variance s^2 of the seeds' values    expected: A/n + C/(nm)
//   of the texts  the bootstrap variance of the mean over the seeds, every      expected: B/m + C/(nm)
//                 seed and model on the same resampled texts
// Their sum has the term C/(nm) twice: the resampled texts carry their share of the seeds' noise along. So it is never
// too small on average, and too large by at most the smaller of its two parts.
//
// The degrees of freedom of the sum V = V1 + V2 are Satterthwaite's ("An approximate distribution of estimates of
// variance components", Biometrics 2, 1946): V^2 / (V1^2 / (n - 1) + V2^2 / (clusters - 1)). With three seeds that
// alone is not safe: where the seeds' sample variance happens to be small, V2 rules, t is near the normal's, and the
// interval is short (simulated: up to 7.8 % of intervals miss, at V2 = 0.1 V1). So an interval is never shorter than
// that of the seeds alone with n - 1 degrees of freedom, nor than that of the texts alone with theirs. Simulated so: at
// most 5.8 % miss, for 3 to 9 seeds and every ratio of V1 and V2. tests/engine/math/uncertain_mean_test.cpp holds the
// level, also where the texts are a few groups.
#include <cstdint>
#include <span>
#include <vector>

#include "engine/math/statistics.h"

namespace notnot {

struct UncertainMean {
  std::vector<double> by_seed;  ///< a value per seed, at least one, finite
  double texts_variance = 0;    ///< of the mean over the seeds when the texts are drawn anew; bootstrap_variances
  double clusters = 0;          ///< groups of texts that are drawn together, counted by effective_number; above 1

  size_t seeds() const { return by_seed.size(); }
  double value() const;  ///< the mean over the seeds
  // All others need two seeds; with one they throw Error.
  double seeds_variance() const;  ///< of the mean over the seeds, the texts being what they are
  double standard_error() const;
  double degrees_of_freedom() const;  ///< Satterthwaite's
  /// The value must be this far from another one to differ from it at the level 1 - coverage, on both sides.
  double half_width(double coverage) const;
  Interval interval(double coverage) const;
  /// One-sided p: the chance of a value this far above `bound`, or farther, if that is the true one. p_below likewise.
  double p_above(double bound) const;
  double p_below(double bound) const;
};

/// How many groups of equal size would say as much as groups of these sizes: (sum n)^2 / sum n^2 (Kish, Survey
/// Sampling, 1965). The number of groups if all have one size; near 1 if one has nearly all texts.
double effective_number(std::span<const int32_t> sizes);

}  // namespace notnot
