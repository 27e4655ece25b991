#pragma once
// How far two models are apart on a text: in what they predict and in where their attention lies (paper section 3.3 and
// section 4). Computed in double on the host.
#include <span>
#include <vector>

namespace notnot {

/// Jensen-Shannon divergence of two attention distributions, given as natural logs of their weights, [n] each. The
/// result lies between 0 (equal weights) and ln 2, with 0 log 0 = 0. A log weight of -infinity is a weight of 0;
/// boundary tokens have it. NaN and +infinity throw Error.
double jensen_shannon(std::span<const float> log_a, std::span<const float> log_b);

/// Factors of the total variation distance of two binary predictions, which are given as probabilities of class 1.
inline constexpr double kTvdSingle = 0.5;    ///< 0.5 |p1 - p2|: one sigmoid output, as in the paper's code
inline constexpr double kTvdTwoClass = 1.0;  ///< |p1 - p2|: half of the sum over both classes, the paper's formula
/// factor |p1 - p2|. NaN and infinity throw Error.
double total_variation(double probability_1, double probability_2, double factor = kTvdSingle);

/// How far one model is from another on every text of a split, in the order of the split.
struct Divergences {
  std::vector<double> tvd;  ///< total variation distance of the predictions, from 0 to the factor
  std::vector<double> jsd;  ///< Jensen-Shannon divergence of the attention, from 0 to ln 2

  double mean_tvd() const;
  double mean_jsd() const;
};

}  // namespace notnot
