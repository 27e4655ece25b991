#pragma once
// The mean of a table of seeds by texts, such as the differences of two measures, and how much it would vary with other
// seeds and other texts: the bootstrap of two crossed factors (Owen, "The pigeonhole bootstrap", Annals of Applied
// Statistics 1, 2007). A replicate draws seeds and, once for all seeds, texts: every seed meets the same texts, so what
// a text adds does not average out over the seeds. Drawn anew within each seed ("nested"), the intervals would be too
// short: with 5 seeds and 200 texts, "95 %" would cover 72 to 83 %. For measures that are no means see resampling.h.
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/math/statistics.h"
#include "kernels/base/available_threads.h"

namespace notnot {

struct CrossedBootstrap {
  double estimate = 0;             ///< the mean of the table; NaN without texts
  std::vector<double> replicates;  ///< [R] the means of the replicates; none without texts
  int64_t texts = 0;               ///< that count
  int64_t left_out = 0;            ///< texts for which some seed has NaN

  /// From the quantile at (1 - coverage) / 2 of the replicates to that at (1 + coverage) / 2; NaN without texts.
  Interval interval(double coverage) const;
  /// Two-sided p of a mean of 0: (1 + replicates at least as far from the estimate as 0 is) / (1 + R); NaN without
  /// texts.
  double p_value() const;
};

/// Fills in what replicate number `replicate` draws: `seeds` [S] and `texts` [T], each from 0 to below the size. Texts
/// that are left out have no number. Called from several threads at once; must not throw.
using CrossedDraw = std::function<void(int32_t replicate, std::span<int32_t> seeds, std::span<int32_t> texts)>;

/// Of `table` [seeds, texts]. A text with NaN under some seed is left out for all seeds; infinity throws Error. The
/// result depends on the table and the draws only, not on the number of threads.
CrossedBootstrap crossed_bootstrap(std::span<const double> table, int32_t seeds, int32_t replicates,
                                   const CrossedDraw& draw, int threads = available_threads());
/// The same with kResamples replicates (resampling.h), each drawn from Random(random_seed, Purpose::crossed_bootstrap,
/// replicate): S seeds, then T texts.
CrossedBootstrap crossed_bootstrap(std::span<const double> table, int32_t seeds, uint64_t random_seed,
                                   int threads = available_threads());

}  // namespace notnot
