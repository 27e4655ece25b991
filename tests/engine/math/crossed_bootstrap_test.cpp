#include "engine/math/crossed_bootstrap.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/math/random.h"
#include "engine/math/resampling.h"
#include "kernels/base/error.h"

namespace notnot {
namespace {

using Values = std::vector<double>;
const double kNaN = std::nan("");

bool near(double value, double expected) { return std::fabs(value - expected) <= 1e-14; }

/// Replicate r draws row r of `seeds` and of `texts`.
CrossedDraw given(std::vector<std::vector<int32_t>> seeds, std::vector<std::vector<int32_t>> texts) {
  return [=](int32_t replicate, std::span<int32_t> drawn_seeds, std::span<int32_t> drawn_texts) {
    std::copy(seeds[replicate].begin(), seeds[replicate].end(), drawn_seeds.begin());
    std::copy(texts[replicate].begin(), texts[replicate].end(), drawn_texts.begin());
  };
}

TEST_CASE("the means of given draws, by hand") {
  // Rows [1, 2] and [3, 5]. Seeds 0, 0 and texts 1, 1: 2; 0, 1 and 0, 1: 11/4; 1, 1 and 0, 0: 3.
  const auto draw = given({{0, 0}, {0, 1}, {1, 1}}, {{1, 1}, {0, 1}, {0, 0}});
  const CrossedBootstrap result = crossed_bootstrap(Values{1, 2, 3, 5}, 2, 3, draw, 1);
  CHECK(result.estimate == 2.75);
  CHECK(result.replicates == Values{2, 2.75, 3});
  CHECK(near(result.interval(0.95).low, 2.0375));
  CHECK(near(result.interval(0.95).high, 2.9875));
  CHECK(result.p_value() == 0.25);  // none is 2.75 away from 2.75
  CHECK(result.texts == 2);
  CHECK(result.left_out == 0);
  // Rows [1, -3] and [2, 4], whose mean is 1. Means -3, 1 and 2: 4, 0 and 1 away, which is as far as 0.
  const auto second = given({{0, 0}, {0, 1}, {1, 1}}, {{1, 1}, {0, 1}, {0, 0}});
  CHECK(crossed_bootstrap(Values{1, -3, 2, 4}, 2, 3, second, 1).p_value() == 0.75);
}

TEST_CASE("a text with NaN under one seed is left out for all") {
  const auto draw = given({{0, 0}, {0, 1}, {1, 1}}, {{1, 1}, {0, 1}, {0, 0}});
  const CrossedBootstrap result = crossed_bootstrap(Values{kNaN, 1, 8, 2, kNaN, 3, kNaN, 5}, 2, 3, draw, 1);
  CHECK(result.replicates == Values{2, 2.75, 3});
  CHECK(result.estimate == 2.75);
  CHECK(result.texts == 2);
  CHECK(result.left_out == 2);
}

TEST_CASE("without any text there is nothing to tell") {
  for (const Values& table : {Values{}, Values{kNaN, 1, 2, kNaN}}) {
    const CrossedBootstrap none = crossed_bootstrap(table, 2, 7);
    CHECK(std::isnan(none.estimate));
    CHECK(std::isnan(none.p_value()));
    CHECK(std::isnan(none.interval(0.9).low));
    CHECK(std::isnan(none.interval(0.9).high));
    CHECK(none.left_out == std::ssize(table) / 2);
  }
}

const Values kTable = {0.1137, -0.2071, 0.3319, 0.0523, 0.4191, 0.2411,  -0.1013, 0.1381,
                       0.0077, 0.3167,  0.0229, 0.1063, 0.2111, -0.3253, 0.5179};

TEST_CASE("the draws of a second implementation, number for number") {
  // In Python, with Philox as in random_test: number k of replicate r is bits(k) of the key `seed` and the counter
  // (block, 15, r), times 3 / 2^32 for the first three and 5 / 2^32 for the others; numpy.quantile.
  const CrossedBootstrap result = crossed_bootstrap(kTable, 3, (uint64_t{1} << 33) + 1);
  REQUIRE(result.replicates.size() == kResamples);
  CHECK(near(result.estimate, 0.12300666666666668));
  CHECK(near(result.replicates.front(), 0.20019333333333328));
  CHECK(near(result.replicates.back(), 0.22415333333333334));
  CHECK(near(result.interval(0.95).low, -0.05146733333333333));
  CHECK(near(result.interval(0.95).high, 0.29715466666666607));
  CHECK(near(result.interval(0.9).low, -0.02239999999999999));
  CHECK(near(result.interval(0.9).high, 0.26839333333333326));
  CHECK(near(result.p_value(), 0.17841079460269865));
}

TEST_CASE("the bits do not depend on the number of threads") {
  Values table(5 * 300);
  for (size_t i = 0; i < table.size(); ++i) table[i] = Random(3, Purpose::test_data).normal(i);
  const Values alone = crossed_bootstrap(table, 5, 10, 1).replicates;
  for (const int threads : {2, 3, 8}) CHECK(crossed_bootstrap(table, 5, 10, threads).replicates == alone);
  CHECK(crossed_bootstrap(table, 5, 11, 1).replicates != alone);
}

double variance_of(const Values& values) { return std::pow(standard_deviation(values), 2); }

TEST_CASE("what a text adds under every seed does not average out over the seeds") {
  // 100 texts, half 0 and half 1, alike under 5 seeds: the mean has the variance 1/4 / 100. Of seeds that differ and
  // texts that do not: 2 / 5. The variance of 2000 replicates is within five standard errors, 5 sqrt(2 / 2000) = 16 %.
  Values of_texts(500), of_seeds(500);
  for (int i = 0; i < 500; ++i) {
    const int seed = i / 100;
    of_texts[i] = i % 2;
    of_seeds[i] = seed;
  }
  CHECK(variance_of(crossed_bootstrap(of_texts, 5, 7).replicates) == doctest::Approx(0.0025).epsilon(0.16));
  CHECK(variance_of(crossed_bootstrap(of_seeds, 5, 7).replicates) == doctest::Approx(0.4).epsilon(0.16));
}

/// Crossed effects around 0: seed s, text t has a_s + b_t + c_st with these standard deviations.
struct World {
  double seeds, texts, both;

  static constexpr int kSeeds = 5, kTexts = 200, kRounds = 400, kReplicates = 300;

  Values table(int round) const {
    const Random random(20261130, Purpose::test_data, round);
    Values result(kSeeds * kTexts);
    for (int s = 0; s < kSeeds; ++s) {
      for (int t = 0; t < kTexts; ++t) {
        const int i = s * kTexts + t;
        result[i] = seeds * random.normal(s) + texts * random.normal(kSeeds + t) + both * random.normal(1000 + i);
      }
    }
    return result;
  }
  /// The share of 95 % intervals that have 0 in them.
  double coverage() const {
    int covered = 0;
    for (int round = 0; round < kRounds; ++round) {
      const auto draw = [&](int32_t replicate, std::span<int32_t> drawn_seeds, std::span<int32_t> drawn_texts) {
        const Random random(round, Purpose::test_data, 1000 + replicate);
        int index = 0;
        for (int32_t& s : drawn_seeds) s = static_cast<int32_t>(random.integer(index++, 0, kSeeds - 1));
        for (int32_t& t : drawn_texts) t = static_cast<int32_t>(random.integer(index++, 0, kTexts - 1));
      };
      const Interval interval = crossed_bootstrap(table(round), kSeeds, kReplicates, draw).interval(0.95);
      covered += interval.low <= 0 && 0 <= interval.high;
    }
    return static_cast<double>(covered) / kRounds;
  }
};

TEST_CASE("95 % intervals have the true value in them about as often") {
  // A text's 0.3 gives the mean of 200 texts an sd of 0.021; a seed's 0.02 and 0.06 that of 5 seeds 0.009 and 0.027.
  // Another program (NumPy) covered 91 to 98 % in settings like these; texts drawn anew within each seed covered 72 to
  // 83 %, and texts alone as little as 62 %. Five standard errors of 400 rounds at 91 % are 7 %.
  for (const World& world : {World{0.02, 0.3, 0.1}, World{0.06, 0.3, 0.1}, World{0, 0.3, 0.3}}) {
    CAPTURE(world.seeds);
    CHECK(world.coverage() >= 0.84);
  }
}

TEST_CASE("groups of texts are drawn together, by hand") {
  // Texts 0 and 2 are the group 7, text 1 is the group 0, and text 3 would be one, but NaN leaves it out. The rows of
  // the others are [1, 4, 3] and [5, 2, 7]. Seed 0 and the group 0 alone: 4. Both seeds and both groups: all, of which
  // the group 7 has two thirds. Seed 1 and the group 7 alone: 6.
  const Values table = {1, 4, 3, kNaN, 5, 2, 7, 9};
  const std::vector<int32_t> cluster = {7, 0, 7, 3};
  const auto draw = given({{0, 0}, {0, 1}, {1, 1}}, {{0, 0}, {0, 1}, {1, 1}});
  const CrossedBootstrap result = crossed_bootstrap(table, 2, 3, draw, 1, cluster);
  CHECK(result.estimate == 22.0 / 6);
  CHECK(result.replicates == Values{4, 22.0 / 6, 6});
  CHECK(result.texts == 3);
  CHECK(result.groups == 2);
  CHECK(result.left_out == 1);
}

TEST_CASE("texts that are there twice tell no more than the half table does") {
  const int texts = 40;
  Values half, twice;
  std::vector<int32_t> cluster;
  for (int seed = 0; seed < 3; ++seed) {
    for (int text = 0; text < texts; ++text) half.push_back(Random(5, Purpose::test_data).normal(seed * texts + text));
    for (int copy = 0; copy < 2; ++copy) twice.insert(twice.end(), half.end() - texts, half.end());
  }
  for (int text = 0; text < 2 * texts; ++text) cluster.push_back(text % texts);
  const CrossedBootstrap expected = crossed_bootstrap(half, 3, 7);
  const CrossedBootstrap grouped = crossed_bootstrap(twice, 3, 7, 1, cluster);
  REQUIRE(grouped.replicates.size() == expected.replicates.size());
  for (size_t r = 0; r < grouped.replicates.size(); ++r) CHECK(near(grouped.replicates[r], expected.replicates[r]));
  const auto width = [](const CrossedBootstrap& of) { return of.interval(0.95).high - of.interval(0.95).low; };
  CHECK(width(crossed_bootstrap(twice, 3, 7)) < 0.95 * width(grouped));
  const SeedPairs pairs{.seeds = 3, .table = twice, .minus = {}, .cluster = cluster};
  CHECK(near(bootstrap_of_pairs(pairs, 7).interval(0.95).low,
             bootstrap_of_pairs({.seeds = 3, .table = half}, 7).interval(0.95).low));
}

TEST_CASE("the means over pairs of drawn seeds, by hand") {
  // Pairs (0, 1), (0, 2), (1, 2) on two texts. Seeds 0, 0, 1 are the pair (0, 1) alone; 0, 1, 2 all three; 1, 2, 2 the
  // pair (1, 2) alone.
  const Values table = {1, 3, 2, 6, 4, 8};
  const auto draw = given({{0, 0, 1}, {0, 1, 2}, {1, 2, 2}}, {{0, 1}, {0, 0}, {1, 1}});
  const CrossedBootstrap result = bootstrap_of_pairs({.seeds = 3, .table = table}, 3, draw, 1);
  CHECK(result.estimate == 4);
  CHECK(near(result.replicates[0], 2));
  CHECK(near(result.replicates[1], 7.0 / 3));
  CHECK(near(result.replicates[2], 8));
  // Minus the mean of a table of seeds, with the same draws: [1, 2], [3, 4], [5, 9], whose mean is 4.
  const Values minus = {1, 2, 3, 4, 5, 9};
  const CrossedBootstrap less = bootstrap_of_pairs({.seeds = 3, .table = table, .minus = minus}, 3, draw, 1);
  CHECK(less.estimate == 0);
  CHECK(near(less.replicates[0], 2 - (1 + 2 + 1 + 2 + 3 + 4) / 6.0));
  CHECK(near(less.replicates[1], 7.0 / 3 - 3));
  CHECK(near(less.replicates[2], 8 - (4 + 9 + 9) / 3.0));
  // Four seeds, drawn as 0, 0, 1, 2: the pairs (0, 1) and (0, 2) twice, (1, 2) once.
  const auto uneven = given({{0, 0, 1, 2}}, {{0}});
  CHECK(near(bootstrap_of_pairs({.seeds = 4, .table = Values{1, 2, 100, 7, 100, 100}}, 1, uneven, 1).replicates[0],
             (2 * 1 + 2 * 2 + 7) / 5.0));
}

TEST_CASE("two seeds are one pair, so that only the texts vary; a text without the pair's value is left out") {
  const Values table = {0.5, kNaN, 0.25, 1}, minus = {1, 1, 1, 1, 1, 1, 1, kNaN};
  const CrossedBootstrap pair = bootstrap_of_pairs({.seeds = 2, .table = Values{3, 3, 3}}, 7);
  CHECK(pair.replicates == Values(kResamples, 3));
  const CrossedBootstrap less = bootstrap_of_pairs({.seeds = 2, .table = table, .minus = minus}, 7);
  CHECK(less.estimate == 0.375 - 1);
  CHECK(less.texts == 2);
  CHECK(less.left_out == 2);
}

TEST_CASE("seeds are drawn anew until two differ, for the pairs and for what is subtracted") {
  // Each seed's value is 1 or 0 in turn; of three seeds a replicate never has one alone, so no mean is 0 or 1.
  const Values pairs = {0, 0, 0}, minus = {0, 0, 1};
  const CrossedBootstrap less = bootstrap_of_pairs({.seeds = 3, .table = pairs, .minus = minus}, 7);
  int without = 0;
  for (const double value : less.replicates) {
    CHECK(value > -0.9);
    without += value == 0;
  }
  // Of the 24 draws with two seeds at least, 6 have seeds 0 and 1 only: a quarter of 2000, give or take five errors.
  CHECK(without > 400);
  CHECK(without < 600);
}

TEST_CASE("a table that is none, and infinity, are errors") {
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS(crossed_bootstrap(Values{1, 2, 3}, 2, 7), Error);
  CHECK_THROWS_AS(crossed_bootstrap(Values{1, 2}, 0, 7), Error);
  CHECK_THROWS_AS(crossed_bootstrap(Values{1, infinity, kNaN, 2}, 2, 7), Error);
  CHECK_THROWS_AS(crossed_bootstrap(Values{1, 2}, 1, 0, given({}, {})), Error);
  CHECK_THROWS_AS(crossed_bootstrap(Values{1, 2}, 1, 7, 1, std::vector<int32_t>{0}), Error);
  CHECK_THROWS_AS(bootstrap_of_pairs({.seeds = 1, .table = Values{}}, 7), Error);
  CHECK_THROWS_AS(bootstrap_of_pairs({.seeds = 3, .table = Values{1, 2}}, 7), Error);
  CHECK_THROWS_AS(bootstrap_of_pairs({.seeds = 2, .table = Values{1, 2}, .minus = Values{1, 2}}, 7), Error);
}

}  // namespace
}  // namespace notnot
