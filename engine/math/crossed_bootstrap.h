#pragma once
// The mean of a table of seeds by texts, such as the differences of two measures, and how much it would vary with other
// seeds and other texts: the bootstrap of two crossed factors (Owen, "The pigeonhole bootstrap", Annals of Applied
// Statistics 1, 2007). A replicate draws seeds and, once for all seeds, texts: every seed meets the same texts, so what
// a text adds does not average out over the seeds. Drawn anew within each seed ("nested"), the intervals would be too
// short: with 5 seeds and 200 texts, "95 %" would cover 72 to 83 %. For measures that are no means see resampling.h.
//
// Texts that belong together, such as those of one patient, are drawn together: a replicate draws as many groups as
// there are, a group brings all its texts, and the mean is over the texts that were drawn.
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
  int64_t groups = 0;              ///< of these texts; as many as texts where each is one by itself
  int64_t left_out = 0;            ///< texts for which some seed, or pair of seeds, has NaN

  /// From the quantile at (1 - coverage) / 2 of the replicates to that at (1 + coverage) / 2; NaN without texts.
  Interval interval(double coverage) const;
  /// Two-sided p of a mean of 0: (1 + replicates at least as far from the estimate as 0 is) / (1 + R); NaN without
  /// texts.
  double p_value() const;
};

/// Fills in what replicate number `replicate` draws: `seeds` [S] and `groups` [G], each from 0 to below the size. The
/// groups are in the order of their numbers in `cluster`, or of the texts; those of which all texts are left out are
/// not there. Called from several threads at once; must not throw.
using CrossedDraw = std::function<void(int32_t replicate, std::span<int32_t> seeds, std::span<int32_t> groups)>;

/// Of `table` [seeds, texts]. `cluster` [texts]: texts with equal numbers are one group; empty: each text is one by
/// itself. A text with NaN under some seed is left out for all seeds; infinity throws Error. The result depends on the
/// table, the groups and the draws only, not on the number of threads.
CrossedBootstrap crossed_bootstrap(std::span<const double> table, int32_t seeds, int32_t replicates,
                                   const CrossedDraw& draw, int threads = available_threads(),
                                   std::span<const int32_t> cluster = {});
/// The same with kResamples replicates (resampling.h), each drawn from Random(random_seed, Purpose::crossed_bootstrap,
/// replicate): S seeds, then G groups.
CrossedBootstrap crossed_bootstrap(std::span<const double> table, int32_t seeds, uint64_t random_seed,
                                   int threads = available_threads(), std::span<const int32_t> cluster = {});

/// A measure of two seeds, such as the agreement of their models, for each pair of different seeds.
struct SeedPairs {
  int32_t seeds = 0;              ///< 2 or more
  std::span<const double> table;  ///< [S (S - 1) / 2, texts] the pairs (0, 1), (0, 2), ..., (1, 2), ...
  /// [S, texts] If not empty, the mean of this table is subtracted; seeds and texts are drawn once for both.
  std::span<const double> minus = {};
  std::span<const int32_t> cluster = {};  ///< as in crossed_bootstrap
};
/// A replicate draws seeds, and texts once for all pairs. Its mean is over the pairs of different seeds among the drawn
/// ones, each as often as it is there (times_s times_t): the bootstrap of a U statistic. A replicate with one seed
/// only, which has no pair, is drawn anew: a seed agrees with itself wholly, which would pull every mean towards 1, and
/// a replicate that is left out would be the same with fewer of them. Two seeds are one pair, so the texts alone vary.
///
/// Simulated coverage of "95 %" with 5 seeds and 200 texts (text sd .1 to .3): .84 to .99 for a mean over pairs, .87 to
/// 1.00 for a difference; the least where the seeds' own effects (sd .06) outweigh the texts, as five seeds cannot show
/// how far a sixth one may lie. With 9 seeds .90 to .97 and .90 to 1.00, with 3 as little as .71.
///
/// `draw` must draw two different seeds at least.
CrossedBootstrap bootstrap_of_pairs(const SeedPairs& pairs, int32_t replicates, const CrossedDraw& draw,
                                    int threads = available_threads());
CrossedBootstrap bootstrap_of_pairs(const SeedPairs& pairs, uint64_t random_seed, int threads = available_threads());

}  // namespace notnot
