#include "engine/math/agreement.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>

#include "engine/math/statistics.h"
#include "kernels/base/error.h"

namespace notnot {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

void check_same_size(size_t x, size_t y) { NOTNOT_CHECK(x == y && x >= 1, "scores of {} and {} words", x, y); }

void check_same_size(const Ranking& x, const Ranking& y) { check_same_size(x.size(), y.size()); }

// --- Kendall ---------------------------------------------------------------------------------------------------------

/// How many of the ranks added so far are at most some rank: a Fenwick tree (Fenwick 1994), O(log N) each.
class RankCounts {
 public:
  explicit RankCounts(int32_t ranks) : partial_(ranks + 1) {}

  void add(int32_t rank) {
    for (auto i = static_cast<size_t>(rank); i < partial_.size(); i += i & -i) ++partial_[i];
  }
  int64_t at_most(int32_t rank) const {
    int64_t sum = 0;
    for (auto i = static_cast<size_t>(rank); i > 0; i -= i & -i) sum += partial_[i];
    return sum;
  }

 private:
  std::vector<int32_t> partial_;
};

/// [N] the words, those with the largest score first.
std::vector<int32_t> words_by_rank(const Ranking& ranking) {
  std::vector<int32_t> words(ranking.size()), placed(ranking.size());
  for (int32_t word = 0; word < ranking.size(); ++word) {
    const int32_t first = ranking.first_rank()[word] - 1;
    words[first + placed[first]++] = word;
  }
  return words;
}

/// Concordant minus discordant pairs.
int64_t concordance(const Ranking& x, const Ranking& y) {
  const std::vector<int32_t> words = words_by_rank(x);
  RankCounts larger_in_x(y.size());
  int64_t result = 0;
  for (int32_t begin = 0, end = 0; begin < x.size(); begin = end) {
    end = begin + x.at_rank()[begin];
    for (int32_t i = begin; i < end; ++i) {
      const int32_t rank = y.first_rank()[words[i]];
      result += larger_in_x.at_most(rank - 1) - (begin - larger_in_x.at_most(rank));
    }
    for (int32_t i = begin; i < end; ++i) larger_in_x.add(y.first_rank()[words[i]]);
  }
  return result;
}

/// Sums over the groups of t words with equal scores.
struct TieSums {
  double pairs = 0;     ///< t (t - 1) / 2
  double triples = 0;   ///< t (t - 1) (t - 2)
  double variance = 0;  ///< t (t - 1) (2t + 5)

  explicit TieSums(const Ranking& ranking) {
    for (const int32_t words : ranking.at_rank()) {
      const double t = words;
      pairs += t * (t - 1) / 2;
      triples += t * (t - 1) * (t - 2);
      variance += t * (t - 1) * (2 * t + 5);
    }
  }
};

double asymptotic_p(int64_t concordance, double n, const TieSums& x, const TieSums& y) {
  const double m = n * (n - 1);
  const double variance = (m * (2 * n + 5) - x.variance - y.variance) / 18 + 2 * x.pairs * y.pairs / m +
                          x.triples * y.triples / (9 * m * (n - 2));
  return std::erfc(std::fabs(static_cast<double>(concordance)) / std::sqrt(2 * variance));
}

constexpr int32_t kMostWordsExact = 33;  // as scipy

/// [n][d] the chance that a random permutation of n has at most d inversions.
using Inversions = std::array<std::vector<double>, kMostWordsExact + 1>;

Inversions inversion_distributions() {
  Inversions at_most;
  std::vector<double> exactly = {1};
  for (int32_t n = 1; n <= kMostWordsExact; ++n) {
    // The n-th element stands before 0..n-1 of the others, each as likely.
    std::vector<double> next(exactly.size() + n - 1);
    for (size_t d = 0; d < exactly.size(); ++d) {
      for (int32_t more = 0; more < n; ++more) next[d + more] += exactly[d] / n;
    }
    exactly = std::move(next);
    std::partial_sum(exactly.begin(), exactly.end(), std::back_inserter(at_most[n]));
  }
  return at_most;
}

/// Two-sided, without ties; `fewer` is the number of discordant pairs, or of concordant ones if these are fewer.
double exact_p(int32_t n, int64_t fewer) {
  static const Inversions at_most = inversion_distributions();
  if (n <= kMostWordsExact) return std::min(1.0, 2 * at_most[n][fewer]);
  double p = fewer == 0 ? 2 : 2.0 * n;  // of the n! permutations, 1 has no inversion and n - 1 have one
  for (int32_t k = 2; k <= n; ++k) p /= k;
  return p;
}

// --- Pearson ---------------------------------------------------------------------------------------------------------

/// Differences from the mean over the largest of them, so that no square overflows or vanishes.
std::vector<double> scaled_deviations(std::span<const double> values) {
  const double centre = mean(values);
  std::vector<double> deviations(values.begin(), values.end());
  double largest = 0;
  for (double& value : deviations) largest = std::max(largest, std::fabs(value -= centre));
  NOTNOT_CHECK(std::isfinite(largest), "the sum of {} scores is too large for a double", values.size());
  for (double& value : deviations) value /= largest;
  return deviations;
}

bool all_equal(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [&](double value) { return value == values.front(); });
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

// --- overlaps --------------------------------------------------------------------------------------------------------

/// The k words at the top: all `sure` ones, of which each has a rank below `border`, and lots among those at `border`.
struct Top {
  int32_t border = 1;
  double share = 0;  ///< of its lots that a word at `border` wins

  Top(const Ranking& ranking, int32_t k) {
    int32_t next = 1;  // the rank behind those at `border`
    while (next <= k) {
      border = next;
      next += ranking.at_rank()[border - 1];
    }
    share = static_cast<double>(k - (border - 1)) / ranking.at_rank()[border - 1];
  }
  /// 0: not at the top, 1: at the border, 2: sure
  int place(int32_t rank) const { return rank < border ? 2 : rank == border ? 1 : 0; }
  std::array<double, 3> membership() const { return {0, share, 1}; }
};

}  // namespace

Ranking::Ranking(std::span<const double> scores) : first_rank_(scores.size()), at_rank_(scores.size()) {
  NOTNOT_CHECK(!scores.empty(), "a text has at least one word");
  for (size_t i = 0; i < scores.size(); ++i) NOTNOT_CHECK(std::isfinite(scores[i]), "score {} is {}", i, scores[i]);
  std::vector<int32_t> words(scores.size());
  std::iota(words.begin(), words.end(), 0);
  std::sort(words.begin(), words.end(), [&](int32_t a, int32_t b) { return scores[a] > scores[b]; });
  int32_t first = 0;
  for (int32_t i = 0; i < size(); ++i) {
    if (scores[words[i]] != scores[words[first]]) first = i;
    first_rank_[words[i]] = first + 1;
    ++at_rank_[first];
  }
}

KendallTau kendall_tau(const Ranking& x, const Ranking& y) {
  check_same_size(x, y);
  if (x.constant() || y.constant()) return {kNaN, kNaN, kNaN};
  const int64_t n = x.size(), pairs = n * (n - 1) / 2, difference = concordance(x, y);
  const TieSums ties_x(x), ties_y(y);
  const auto all = static_cast<double>(pairs);
  KendallTau result;
  result.tau_b = static_cast<double>(difference) / std::sqrt((all - ties_x.pairs) * (all - ties_y.pairs));
  if (n < 3) return {result.tau_b, kNaN, kNaN};
  result.p_asymptotic = asymptotic_p(difference, static_cast<double>(n), ties_x, ties_y);
  const int64_t fewer = (pairs - std::abs(difference)) / 2;  // without ties
  const bool exact = ties_x.pairs == 0 && ties_y.pairs == 0 && (n <= kMostWordsExact || fewer <= 1);
  result.p = exact ? exact_p(x.size(), fewer) : result.p_asymptotic;
  return result;
}

double pearson_correlation(std::span<const double> x, std::span<const double> y) {
  check_same_size(x.size(), y.size());
  const std::vector<double> a = scaled_deviations(x), b = scaled_deviations(y);  // checks that all are finite
  if (all_equal(x) || all_equal(y)) return kNaN;
  return std::clamp(dot(a, b) / std::sqrt(dot(a, a) * dot(b, b)), -1.0, 1.0);
}

Overlap top_k_overlap(const Ranking& x, const Ranking& y) {
  check_same_size(x, y);
  const int32_t n = x.size(), k = (n + 9) / 10;
  const Top top_x(x, k), top_y(y, k);
  std::array<std::array<int32_t, 3>, 3> words{};  // by their places in x and y
  for (int32_t i = 0; i < n; ++i) ++words[top_x.place(x.first_rank()[i])][top_y.place(y.first_rank()[i])];
  double both = 0;
  for (int in_x : {1, 2}) {
    for (int in_y : {1, 2}) both += words[in_x][in_y] * (top_x.membership()[in_x] * top_y.membership()[in_y]);
  }
  const double value = both / k, chance = static_cast<double>(k) / n;
  return {value, chance, n == 1 ? kNaN : (value - chance) / (1 - chance)};
}

Overlap rank_biased_overlap(const Ranking& x, const Ranking& y, double p) {
  check_same_size(x, y);
  NOTNOT_CHECK(p > 0 && p < 1, "p = {}: it is above 0 and below 1", p);
  const int64_t n = x.size();
  std::vector<int32_t> joins(n);  // [d - 1] words that are in both from depth d on
  for (int64_t i = 0; i < n; ++i) ++joins[std::max(x.first_rank()[i], y.first_rank()[i]) - 1];
  // The weights (1 - p) p^(d-1) and p^N sum to 1, so it is 1 minus the weighted sum of 1 - A_d: exactly 1 for equal
  // rankings, and the corrected value needs no difference from 1.
  double missing = 0, missing_by_chance = 0, weight = 1 - p;
  int64_t in_x = 0, in_y = 0, in_both = 0;
  for (int64_t i = 0; i < n; ++i, weight *= p) {
    in_x += x.at_rank()[i];
    in_y += y.at_rank()[i];
    in_both += joins[i];
    const int64_t sum = in_x + in_y;
    missing += weight * static_cast<double>(sum - 2 * in_both) / static_cast<double>(sum);
    // A given word is in S with the chance |S| / N, and in T with |T| / N.
    missing_by_chance += weight * static_cast<double>(n * sum - 2 * in_x * in_y) / static_cast<double>(n * sum);
  }
  return {1 - missing, 1 - missing_by_chance, missing_by_chance == 0 ? kNaN : 1 - missing / missing_by_chance};
}

}  // namespace notnot
