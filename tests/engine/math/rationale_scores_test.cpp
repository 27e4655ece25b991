#include "engine/math/rationale_scores.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/base/error.h"

namespace notnot {
namespace {

using Scores = std::vector<float>;
using Words = std::vector<int32_t>;

bool near(double value, double expected) { return std::abs(value - expected) <= 1e-12; }

TEST_CASE("rationale scores worked by hand") {
  // Ranked: 9 (evidence), 7, 5 (evidence), 3, 1.
  const RationaleScores scores = rationale_scores(Scores{3, 9, 1, 5, 7}, Words{0, 1, 0, 1, 0});
  CHECK(near(scores.average_precision, (1 + 2.0 / 3) / 2));
  CHECK(near(scores.token_f1, 0.5));
  CHECK(near(scores.chance, 0.4));
}

TEST_CASE("all evidence first is 1, all last is as little as there can be") {
  const RationaleScores first = rationale_scores(Scores{4, 3, 2, 1}, Words{1, 1, 0, 0});
  CHECK(first.average_precision == 1);
  CHECK(first.token_f1 == 1);
  const RationaleScores last = rationale_scores(Scores{-4, -3, 2, 1}, Words{1, 1, 0, 0});
  CHECK(near(last.average_precision, (1.0 / 3 + 2.0 / 4) / 2));
  CHECK(last.token_f1 == 0);
}

TEST_CASE("equal scores give the mean over drawing lots") {
  const Scores score = {2, 1, 1, 1, 0, 1, 2, 0};
  const Words evidence = {1, 0, 1, 0, 0, 1, 0, 1};
  // Every order of the words in which larger scores come first is as likely as any other.
  Words order(score.size());
  std::iota(order.begin(), order.end(), 0);
  double sum = 0, orders = 0;
  do {
    if (!std::is_sorted(order.begin(), order.end(), [&](int32_t a, int32_t b) { return score[a] > score[b]; }))
      continue;
    for (size_t k = 0; k < 4; ++k) sum += evidence[order[k]] / 4.0;
    ++orders;
  } while (std::next_permutation(order.begin(), order.end()));
  CHECK(orders == 2 * 24 * 2);
  CHECK(near(rationale_scores(score, evidence).token_f1, sum / orders));
}

TEST_CASE("equal scores of all words are chance, in whatever order the words stand") {
  Words evidence = {0, 0, 0, 1, 1};
  do {
    const RationaleScores scores = rationale_scores(Scores(5, 0.2F), evidence);
    CHECK(near(scores.token_f1, 0.4));
    CHECK(near(scores.average_precision, 0.4));
    CHECK(near(scores.chance, 0.4));
  } while (std::next_permutation(evidence.begin(), evidence.end()));
}

TEST_CASE("a text whose words are all alike says nothing") {
  for (const Words& evidence : {Words{0, 0, 0}, Words{1, 1, 1}}) {
    const RationaleScores scores = rationale_scores(Scores{3, 2, 1}, evidence);
    CHECK(std::isnan(scores.average_precision));
    CHECK(std::isnan(scores.token_f1));
    CHECK(std::isnan(scores.chance));
  }
}

TEST_CASE("wrong evidence and scores are errors") {
  CHECK_THROWS_AS((void)rationale_scores(Scores{1, 2}, Words{1}), Error);
  CHECK_THROWS_AS((void)rationale_scores(Scores{1, 2}, Words{1, 2}), Error);
  CHECK_THROWS_AS((void)rationale_scores(Scores{1, std::numeric_limits<float>::quiet_NaN()}, Words{1, 0}), Error);
  CHECK_THROWS_AS((void)rationale_scores(Scores{}, Words{}), Error);
}

}  // namespace
}  // namespace notnot
