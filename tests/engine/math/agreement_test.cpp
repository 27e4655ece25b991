#include "engine/math/agreement.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "engine/math/random.h"
#include "kernels/base/error.h"

namespace notnot {
namespace {

using Values = std::vector<double>;

bool near(double value, double expected, double tolerance = 1e-14) { return std::fabs(value - expected) <= tolerance; }

/// n scores of at most `levels` different values.
Values random_scores(int n, int levels, uint64_t seed) {
  const Random random(seed, Purpose::test_data);
  Values scores(n);
  for (int i = 0; i < n; ++i) scores[i] = 0.1 * static_cast<double>(random.integer(i, 0, levels - 1));
  return scores;
}

Values reversed(Values values) {
  std::reverse(values.begin(), values.end());
  return values;
}

Values counted(int n) {
  Values values(n);
  std::iota(values.begin(), values.end(), 0);
  return values;
}

KendallTau tau_of(const Values& x, const Values& y) { return kendall_tau(Ranking(x), Ranking(y)); }
Overlap top_of(const Values& x, const Values& y) { return top_k_overlap(Ranking(x), Ranking(y)); }
Overlap rbo_of(const Values& x, const Values& y, double p = 0.9) {
  return rank_biased_overlap(Ranking(x), Ranking(y), p);
}

TEST_CASE("equal scores stand at the first rank of theirs") {
  const Ranking ranking(Values{0.2, -1, 0.5, 0.2, -0.0, 0.0, 0.2});
  CHECK(std::vector<int32_t>(ranking.first_rank().begin(), ranking.first_rank().end()) ==
        std::vector<int32_t>{2, 7, 1, 2, 5, 5, 2});
  CHECK(std::vector<int32_t>(ranking.at_rank().begin(), ranking.at_rank().end()) ==
        std::vector<int32_t>{1, 3, 0, 0, 2, 0, 1});
  CHECK_FALSE(ranking.constant());
  CHECK(Ranking(Values{3, 3}).constant());
}

// --- Kendall ---------------------------------------------------------------------------------------------------------

double tau_by_pairs(const Values& x, const Values& y) {
  int64_t concordant = 0, discordant = 0, only_x = 0, only_y = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const bool tied_x = x[i] == x[j], tied_y = y[i] == y[j];
      if (tied_x || tied_y) {
        only_x += !tied_y;
        only_y += !tied_x;
      } else {
        ++((x[i] < x[j]) == (y[i] < y[j]) ? concordant : discordant);
      }
    }
  }
  const auto untied = concordant + discordant;
  const double product = static_cast<double>(untied + only_x) * static_cast<double>(untied + only_y);
  return static_cast<double>(concordant - discordant) / std::sqrt(product);
}

TEST_CASE("tau-b is that of all pairs, with ties and without") {
  for (int n = 2; n <= 70; ++n) {
    for (const int levels : {2, 3, 10, 100000}) {
      const Values x = random_scores(n, levels, 2 * n), y = random_scores(n, 1 + levels / 2, 2 * n + 1);
      CAPTURE(n);
      CAPTURE(levels);
      const double expected = tau_by_pairs(x, y), tau = tau_of(x, y).tau_b;
      CHECK((std::isnan(expected) ? std::isnan(tau) : tau == expected));
    }
  }
}

TEST_CASE("scipy's tau-b and p values") {
  // scipy.stats.kendalltau(x, y) of 10 words with ties
  const KendallTau ties = tau_of({1, 1, 2, 2, 2, 3, 4, 5, 5, 0}, {3, 1, 2, 2, 0, 5, 4, 4, 4, 1});
  CHECK(near(ties.tau_b, 0.525));
  CHECK(near(ties.p, 0.04942949057559915));
  CHECK(ties.p == ties.p_asymptotic);
  // Without ties: 33 words exactly, 34 asymptotically. y = numpy.arange(n) * 7 % n
  for (const int n : {33, 34}) {
    Values y;
    for (int i = 0; i < n; ++i) y.push_back(i * 7 % n);
    const KendallTau tau = tau_of(counted(n), y);
    CHECK(near(tau.tau_b, n == 33 ? 0.14772727272727273 : 0.251336898395722));
    CHECK(near(tau.p, n == 33 ? 0.2348656206939674 : 0.03659566165329499));
    CHECK((tau.p == tau.p_asymptotic) == (n == 34));
  }
}

TEST_CASE("with at most one pair out of order p is exact for any number of words") {
  const double of_all = 2.451234878256772e-48;  // 2 / 40!
  Values y = counted(40);
  CHECK(near(tau_of(counted(40), y).p / of_all, 1));
  CHECK(near(tau_of(counted(40), reversed(y)).p / of_all, 1));
  std::swap(y[3], y[4]);
  CHECK(near(tau_of(counted(40), y).p / (40 * of_all), 1));
  CHECK(near(tau_of(counted(40), reversed(y)).p / (40 * of_all), 1));
  std::swap(y[10], y[11]);
  CHECK(near(tau_of(counted(40), y).p / 1.549572233556233e-19, 1, 1e-12));  // scipy, as the others
  CHECK(tau_of(counted(400), counted(400)).p == 0);                         // 2 / 400! is no double
}

/// Calls `visit` with every order of the values that looks different; all of them are as likely.
void for_all_orders(Values values, const std::function<void(const Values&)>& visit) {
  std::sort(values.begin(), values.end());
  do visit(values);
  while (std::next_permutation(values.begin(), values.end()));
}

TEST_CASE("p without ties is the share of all permutations that are as far from chance") {
  for (int n = 3; n <= 7; ++n) {
    const Values y = counted(n);
    std::vector<int64_t> counts(n * n, 0);  // by concordant minus discordant pairs, without the sign
    int64_t all = 0;
    const double pairs = n * (n - 1) / 2.0;
    for_all_orders(y, [&](const Values& x) {
      ++counts[std::llround(std::fabs(tau_by_pairs(x, y)) * pairs)];
      ++all;
    });
    for_all_orders(y, [&](const Values& x) {
      const int64_t from = std::llround(std::fabs(tau_by_pairs(x, y)) * pairs);
      const int64_t as_far = std::accumulate(counts.begin() + from, counts.end(), int64_t{0});
      REQUIRE(near(tau_of(x, y).p, static_cast<double>(as_far) / static_cast<double>(all)));
    });
  }
}

TEST_CASE("p is asymptotic as soon as one pair is tied") {
  const KendallTau tau = tau_of({1, 2, 3, 4, 4}, {1, 2, 3, 4, 5});
  CHECK(tau.p == tau.p_asymptotic);
  CHECK(tau_of({1, 2, 3, 4, 6}, {1, 2, 3, 4, 5}).p == doctest::Approx(2.0 / 120));
}

TEST_CASE("constant scores and single words have no correlation; two words have no p") {
  for (const auto& [x, y] :
       {std::pair<Values, Values>{{5}, {5}}, {{1, 1, 1}, {1, 2, 3}}, {{1, 2, 3}, {0.1, 0.1, 0.1}}}) {
    CHECK(std::isnan(tau_of(x, y).tau_b));
    CHECK(std::isnan(tau_of(x, y).p));
    CHECK(std::isnan(tau_of(x, y).p_asymptotic));
    CHECK(std::isnan(pearson_correlation(x, y)));
  }
  CHECK(tau_of({1, 2}, {5, 3}).tau_b == -1);
  CHECK(std::isnan(tau_of({1, 2}, {5, 3}).p));
  CHECK(std::isnan(tau_of({1, 2}, {5, 3}).p_asymptotic));
}

// --- Pearson ---------------------------------------------------------------------------------------------------------

TEST_CASE("Pearson's correlation, also of scores whose squares are no doubles") {
  // scipy.stats.pearsonr
  const Values x = {1, 1, 2, 2, 2, 3, 4, 5, 5, 0}, y = {3, 1, 2, 2, 0, 5, 4, 4, 4, 1};
  for (const double scale : {1e-200, 1e-30, 1.0, 1e20, 1e200}) {
    Values scaled = x;
    for (double& value : scaled) value *= scale;
    CHECK(near(pearson_correlation(scaled, y), 0.7078718710568962));
    CHECK(near(pearson_correlation(y, scaled), 0.7078718710568962));
    CHECK(near(pearson_correlation(scaled, scaled), 1));
  }
  for (int n = 2; n < 50; ++n) CHECK(pearson_correlation(random_scores(n, 1000, n), random_scores(n, 1000, n)) <= 1);
}

// --- overlaps --------------------------------------------------------------------------------------------------------

TEST_CASE("the overlap of the top tenth, by hand") {
  CHECK(top_of({1, 2, 3}, {1, 2, 3}).value == 1);
  CHECK(top_of({1, 2, 3}, {3, 2, 1}).value == 0);
  CHECK(near(top_of({1, 2, 3}, {3, 2, 1}).corrected, -0.5));  // (0 - 1/3) / (1 - 1/3)
  CHECK(near(top_of({1, 2, 2}, {1, 2, 3}).value, 0.5));       // two words draw for the one place
  CHECK(near(top_of({7, 7, 7}, {1, 2, 3}).value, 1.0 / 3));
  CHECK(near(top_of({7, 7, 7}, {4, 4, 4}).value, 1.0 / 3));
  CHECK(near(top_of({7, 7, 7}, {4, 4, 4}).corrected, 0));
  // 11 words: k = 2. In x word 0 is sure and words 1, 2, 3 draw for one place; in y words 0, 1, 2, 4 draw for both.
  const Values x = {5, 4, 4, 4, 0, 0, 0, 0, 0, 0, 0}, y = {3, 3, 3, 0, 3, 1, 1, 1, 1, 1, 1};
  CHECK(near(top_of(x, y).value, (1 * 0.5 + 2 * (1.0 / 3) * 0.5) / 2));
  CHECK(near(top_of(y, x).value, (1 * 0.5 + 2 * (1.0 / 3) * 0.5) / 2));
  CHECK(near(top_of(x, y).chance, 2.0 / 11));
  CHECK(top_of(counted(10), counted(10)).chance == 0.1);  // k = 1
  CHECK(top_of({3}, {4}).value == 1);
  CHECK(top_of({3}, {4}).chance == 1);
  CHECK(std::isnan(top_of({3}, {4}).corrected));
}

double rbo_by_sets(const Values& x, const Values& y, double p) {
  const int n = static_cast<int>(x.size());
  const auto within = [](const Values& scores, int i, int depth) {  // the rank of word i is at most `depth`
    return std::count_if(scores.begin(), scores.end(), [&](double s) { return s > scores[i]; }) < depth;
  };
  double sum = 0;
  for (int depth = 1; depth <= n; ++depth) {
    double in_x = 0, in_y = 0, in_both = 0;
    for (int i = 0; i < n; ++i) {
      in_x += within(x, i, depth);
      in_y += within(y, i, depth);
      in_both += within(x, i, depth) && within(y, i, depth);
    }
    sum += std::pow(p, depth) * 2 * in_both / (in_x + in_y);
  }
  return (1 - p) / p * sum + std::pow(p, n);
}

TEST_CASE("rank-biased overlap is that of the sets at each depth") {
  for (int n = 1; n <= 40; ++n) {
    for (const int levels : {2, 5, 100000}) {
      const Values x = random_scores(n, levels, 3 * n), y = random_scores(n, 1 + levels / 2, 3 * n + 1);
      CHECK(near(rbo_of(x, y).value, rbo_by_sets(x, y, 0.9)));
      CHECK(near(rbo_of(x, y, 0.5).value, rbo_by_sets(x, y, 0.5)));
      CHECK(rbo_of(x, x).value == 1);
      if (!Ranking(x).constant()) CHECK(rbo_of(x, x).corrected == 1);
    }
  }
}

TEST_CASE("rank-biased overlap of two words, by hand") {
  // A_1 = 0 and A_2 = 1: (1 - p)/p p^2 + p^2 = p. By chance A_1 = 1/2: .1 / 2 + .9.
  CHECK(near(rbo_of({1, 2}, {2, 1}).value, 0.9));
  CHECK(near(rbo_of({1, 2}, {2, 1}).chance, 0.95));
  CHECK(near(rbo_of({1, 2}, {2, 1}).corrected, -1));
  // A constant x agrees by 2/3 at depth 1, whatever y.
  CHECK(near(rbo_of({1, 1}, {2, 1}).value, 0.1 * 2 / 3 + 0.9));
  CHECK(near(rbo_of({1, 1}, {2, 1}).corrected, 0));
  for (const auto& [x, y] : {std::pair<Values, Values>{{3}, {4}}, {{1, 1, 1}, {2, 2, 2}}}) {
    CHECK(rbo_of(x, y).value == 1);
    CHECK(rbo_of(x, y).chance == 1);
    CHECK(std::isnan(rbo_of(x, y).corrected));
  }
}

// --- chance ----------------------------------------------------------------------------------------------------------

/// Are the chance levels of x and y the means over all orders of x?
void check_chance(const Values& x, const Values& y) {
  double tau = 0, pearson = 0, top = 0, rbo = 0, orders = 0;
  for_all_orders(x, [&](const Values& order) {
    tau += tau_of(order, y).tau_b;
    pearson += pearson_correlation(order, y);
    top += top_of(order, y).value;
    rbo += rbo_of(order, y).value;
    ++orders;
  });
  const double tolerance = 1e-16 * (orders + 100);  // a rounding per sum
  if (!Ranking(x).constant() && !Ranking(y).constant()) {
    CHECK(near(tau / orders, 0, tolerance));
    CHECK(near(pearson / orders, 0, tolerance));
  }
  CHECK(near(top / orders, top_of(x, y).chance, tolerance));
  CHECK(near(rbo / orders, rbo_of(x, y).chance, tolerance));
}

TEST_CASE("the chance levels are the means over all permutations") {
  for (int n = 1; n <= 7; ++n) {
    for (const int levels : {1, 2, 4, 100000}) {
      CAPTURE(n);
      CAPTURE(levels);
      check_chance(random_scores(n, levels, n), random_scores(n, 3, n + 100));
      check_chance(random_scores(n, levels, n + 200), random_scores(n, 100000, n + 300));
    }
  }
  // Two words at the top of 12; the orders that look alike are as likely as others.
  check_chance({2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0}, random_scores(12, 4, 1));
  check_chance({2, 1, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0}, random_scores(12, 100000, 2));
}

TEST_CASE("a corrected overlap is the part of the way from chance to agreement") {
  for (int n = 2; n <= 30; ++n) {
    const Values x = random_scores(n, 5, n), y = random_scores(n, 1000, n + 50);
    for (const Overlap& overlap : {top_of(x, y), rbo_of(x, y)}) {
      CHECK(near(overlap.corrected, (overlap.value - overlap.chance) / (1 - overlap.chance), 1e-13));
    }
  }
}

TEST_CASE("no measure depends on the order of the words") {
  const Values x = random_scores(57, 20, 1), y = random_scores(57, 30, 2);
  CHECK(tau_of(reversed(x), reversed(y)).tau_b == tau_of(x, y).tau_b);
  CHECK(tau_of(reversed(x), reversed(y)).p == tau_of(x, y).p);
  CHECK(top_of(reversed(x), reversed(y)).value == top_of(x, y).value);
  CHECK(rbo_of(reversed(x), reversed(y)).value == rbo_of(x, y).value);
  CHECK(near(pearson_correlation(reversed(x), reversed(y)), pearson_correlation(x, y)));
}

TEST_CASE("scores that are no numbers, or of another text, are errors") {
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS(Ranking(Values{}), Error);
  CHECK_THROWS_AS(Ranking(Values{1, std::nan("")}), Error);
  CHECK_THROWS_AS(Ranking(Values{-infinity}), Error);
  CHECK_THROWS_AS(tau_of({1}, {1, 2}), Error);
  CHECK_THROWS_AS(top_of({1, 2}, {1}), Error);
  CHECK_THROWS_AS(rbo_of({1, 2}, {1}), Error);
  CHECK_THROWS_AS(rbo_of({1}, {1}, 1), Error);
  CHECK_THROWS_AS(pearson_correlation(Values{}, Values{}), Error);
  CHECK_THROWS_AS(pearson_correlation(Values{1}, Values{1, 2}), Error);
  CHECK_THROWS_AS(pearson_correlation(Values{1, 1, std::nan("")}, Values{1, 1, 1}), Error);
  CHECK_THROWS_AS(pearson_correlation(Values{1, 1}, Values{1, infinity}), Error);
}

}  // namespace
}  // namespace notnot
