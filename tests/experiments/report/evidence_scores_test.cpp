// Attention against the importance of words, and reliance by ablation. Right values: by hand, and of scipy 1.17.
#include "experiments/report/evidence_scores.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/support/input_error.h"

namespace notnot {
namespace {

/// The attention of texts with these weights, boundary tokens added.
Attention attention_of(const std::vector<std::vector<float>>& weights) {
  constexpr float nothing = -std::numeric_limits<float>::infinity();
  Attention attention{.log_attention = {}, .offsets = {0}, .probability = {}, .label = {}, .row = {}};
  for (const auto& text : weights) {
    attention.log_attention.push_back(nothing);
    for (const float weight : text) attention.log_attention.push_back(std::log(weight));
    attention.log_attention.push_back(nothing);
    attention.offsets.push_back(static_cast<int64_t>(attention.log_attention.size()));
    attention.label.push_back(0);
    attention.row.push_back(static_cast<int64_t>(attention.row.size()));
  }
  return attention;
}

AttentionScores score(const std::vector<float>& weights, std::vector<double> importance) {
  importance.insert(importance.begin(), 0);
  importance.push_back(0);
  return score_attention(attention_of({weights}), importance);
}

}  // namespace

TEST_CASE("Somers' D is that of scipy") {
  // scipy.stats.somersd(importance, weight).statistic
  CHECK(somers_d(std::vector<double>{0, 0.5, 0, 0.5, 1}, std::vector<float>{0.1F, 0.3F, 0.3F, 0.05F, 0.25F}) ==
        doctest::Approx(-0.125));
  CHECK(somers_d(std::vector<double>{0, 1, 0, 1, 0}, std::vector<float>{0.5F, 0.2F, 0.1F, 0.15F, 0.05F}) ==
        doctest::Approx(1.0 / 3));
  CHECK(somers_d(std::vector<double>{4, 0, 2, 1, 0}, std::vector<float>{0.3F, 0.1F, 0.4F, 0.1F, 0.1F}) ==
        doctest::Approx(5.0 / 9));
}

TEST_CASE("Somers' D at its ends: perfect, reversed, equal weights, no pair") {
  const std::vector<double> importance = {0, 1, 0, 0, 2};
  CHECK(somers_d(importance, std::vector<float>{0.1F, 0.2F, 0, 0.05F, 0.65F}) == 1);
  CHECK(somers_d(importance, std::vector<float>{0.5F, 0.1F, 0.2F, 0.2F, 0}) == -1);
  CHECK(somers_d(importance, std::vector<float>(5, 0.2F)) == 0);
  CHECK(somers_d(importance, std::vector<float>(5, -std::numeric_limits<float>::infinity())) == 0);
  CHECK(std::isnan(somers_d(std::vector<double>{1, 1}, std::vector<float>{0.4F, 0.6F})));
}

TEST_CASE("precision and recall: one of five evidence words has all, all are found, none is") {
  const std::vector<double> five = {1, 0, 1, 1, 0, 1, 1, 0, 0, 0};
  const AttentionScores one = score({1, 0, 0, 0, 0, 0, 0, 0, 0, 0}, five);
  CHECK(one.precision == doctest::Approx(1));
  CHECK(one.recall == doctest::Approx(0.2));
  // The equal share is 0.1.
  const AttentionScores most = score({0.3F, 0.06F, 0.2F, 0.2F, 0, 0.2F, 0.04F, 0, 0, 0}, five);
  CHECK(most.precision == doctest::Approx(0.94));
  CHECK(most.recall == doctest::Approx(0.8));
  const AttentionScores none = score({0, 0.5F, 0, 0, 0.5F, 0, 0, 0, 0, 0}, five);
  CHECK(none.precision == doctest::Approx(0));
  CHECK(none.recall == doctest::Approx(0));
  CHECK(none.rank_correlation == doctest::Approx(-0.4));  // 10 of 25 pairs are discordant, 15 tied
}

TEST_CASE("recall counts importance, and equal weights recall everything at the precision of chance") {
  CHECK(score({0.1F, 0.8F, 0.05F, 0.05F}, {1, 4, 2, 0}).recall == doctest::Approx(4.0 / 7));
  for (const size_t n : {3, 7, 30, 200}) {
    std::vector<double> importance(n, 0);
    importance[0] = importance[2] = 1;
    const AttentionScores equal = score(std::vector<float>(n, 1 / static_cast<float>(n)), importance);
    CHECK(equal.precision == doctest::Approx(2.0 / static_cast<double>(n)));
    CHECK(equal.recall == 1);
    CHECK(equal.rank_correlation == 0);
  }
}

TEST_CASE("scores are means over the texts that have words with importance and without") {
  const Attention attention = attention_of({{0.75F, 0.25F}, {0.5F, 0.5F}, {0.1F, 0.9F}, {0.6F, 0.4F}});
  const std::vector<double> importance = {0, 1, 0, 0, /**/ 0, 1, 1, 0, /**/ 0, 1, 0, 0, /**/ 0, 0, 0, 0};
  const AttentionScores scores = score_attention(attention, importance);
  CHECK(scores.precision == doctest::Approx((0.75 + 0.1) / 2));
  CHECK(scores.recall == doctest::Approx(0.5));
  CHECK(scores.rank_correlation == doctest::Approx(0));
  const AttentionScores none = score_attention(attention, std::vector<double>(16, 0));
  CHECK(std::isnan(none.precision));
  CHECK(std::isnan(none.recall));
  CHECK(std::isnan(none.rank_correlation));
}

TEST_CASE("reliance: predictions that change, and the F1 that is left") {
  const std::vector<float> whole = {0.9F, 0.8F, 0.1F, 0.2F};
  const std::vector<int32_t> label = {1, 1, 0, 0};
  const Reliance found = reliance(
      {.without_evidence = {0.4F, 0.6F, 0.6F, 0.3F}, .without_others = {0.9F, 0.5F, 0.2F, 0.1F}}, whole, label);
  CHECK(found.changed_without_evidence == doctest::Approx(0.5));
  CHECK(found.changed_without_others == doctest::Approx(0.25));  // 0.5 is class 0
  CHECK(found.f1_without_evidence == doctest::Approx(0.5));      // one of two found, one of two right
  CHECK(found.f1_without_others == doctest::Approx(2.0 / 3));    // precision 1, recall 1/2
  CHECK_HAS(input_error([&] { reliance({.without_evidence = {0.5F}, .without_others = {0.5F}}, whole, label); }),
            "ablation.safetensors has 1 texts, where the test split has 4");
}

}  // namespace notnot
