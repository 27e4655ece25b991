#pragma once
// How far two score vectors of one text, such as attention and a gradient's scores, agree on which of its words matter:
// Kendall's and Pearson's correlation, the overlap of the words at the top, and rank-biased overlap. In double, on the
// host.
//
// Chance: x is dealt out to the words anew. Over all N! ways to do so both correlations have the mean 0; the overlaps
// have another one, known exactly, and say how far they are above it.
#include <cstdint>
#include <span>
#include <vector>

namespace notnot {

/// The words of a text by their scores, the largest first. Made once, it serves any number of comparisons.
class Ranking {
 public:
  /// scores [N], N >= 1. NaN and infinity throw Error. O(N log N).
  explicit Ranking(std::span<const double> scores);

  int32_t size() const { return static_cast<int32_t>(first_rank_.size()); }
  /// [N] 1 + the number of words with a larger score: words with equal scores all stand at the first rank of theirs.
  std::span<const int32_t> first_rank() const { return first_rank_; }
  /// [N] how many words stand at rank i + 1; 0 at the ranks that a group of equal scores takes behind its first.
  std::span<const int32_t> at_rank() const { return at_rank_; }
  bool constant() const { return at_rank_[0] == size(); }

 private:
  std::vector<int32_t> first_rank_, at_rank_;
};

// Rankings of different sizes throw Error in all functions below.

struct KendallTau {
  /// (C - D) / sqrt((all - tied in x) (all - tied in y)) over the pairs of words, C of them concordant and D discordant
  /// (Kendall 1945). NaN where x or y is constant, so also for one word.
  double tau_b = 0;
  /// Two-sided p under chance by the normal distribution with the variance for ties (Kendall 1970). NaN where tau_b is,
  /// and for fewer than 3 words.
  double p_asymptotic = 0;
  /// The exact p (of the number of inversions of a random permutation) where there are no ties and N <= 33 or at most
  /// one pair is discordant, or concordant; elsewhere p_asymptotic. It is scipy's kendalltau(method="auto").
  double p = 0;
};
/// O(N log N).
KendallTau kendall_tau(const Ranking& x, const Ranking& y);

/// Pearson's correlation of x and y, [N] each, N >= 1; scores may have any size, such as 1e-30 and 1e20. NaN where x or
/// y is constant, so also for one word. NaN and infinity among the scores, and other numbers of scores, throw Error.
double pearson_correlation(std::span<const double> x, std::span<const double> y);

/// An overlap, from 0 to 1.
struct Overlap {
  double value = 0;
  double chance = 0;     ///< the mean over all N! ways to deal x out
  double corrected = 0;  ///< (value - chance) / (1 - chance): 0 is chance, 1 is agreement; NaN where chance is 1
};

/// The share of the k = ceil(N / 10) words at the top of x that are at the top of y. Where words with equal scores
/// compete for the last places, the mean over drawing lots, for x and y apart. Chance is k / N, 1 for one word only.
/// O(N).
Overlap top_k_overlap(const Ranking& x, const Ranking& y);

/// RBO_ext of Webber, Moffat & Zobel ("A similarity measure for indefinite rankings", 2010) to depth N, with ties as
/// they treat them: (1 - p)/p sum_{d=1..N} p^d A_d + p^N, where A_d = 2 |S and T| / (|S| + |T|) and S, T are the words
/// at the ranks 1..d of x and y. 0 < p < 1. Chance is 1 where x and y are both constant. O(N).
Overlap rank_biased_overlap(const Ranking& x, const Ranking& y, double p = 0.9);

}  // namespace notnot
