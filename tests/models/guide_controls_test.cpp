#include "models/guide_controls.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace notnot {
namespace {

constexpr float kNone = -std::numeric_limits<float>::infinity();

/// Texts of the words with these ids, between boundary tokens 2 and 3.
Split split_of(const std::vector<std::vector<int32_t>>& texts) {
  std::vector<int32_t> ids;
  Split split;
  split.offsets = {0};
  for (const std::vector<int32_t>& text : texts) {
    ids.push_back(2);
    ids.insert(ids.end(), text.begin(), text.end());
    ids.push_back(3);
    split.offsets.push_back(static_cast<int64_t>(ids.size()));
    split.labels.push_back(0);
    split.rows.push_back(split.size());
  }
  split.token_ids = std::move(ids);
  return split;
}

}  // namespace

TEST_CASE("equal weights: log(1 / words), and none at boundary tokens") {
  const std::vector<float> weights = equal_within_texts(split_of({{7, 8}, {9, 9, 9, 9}}));
  const float half = std::log(0.5F), quarter = std::log(0.25F);
  CHECK(weights == std::vector<float>{kNone, half, half, kNone, kNone, quarter, quarter, quarter, quarter, kNone});
}

TEST_CASE("a permutation keeps the weights of each text, and its boundary tokens without any") {
  const Split split = split_of({{7, 8, 9, 10}, {11}, {12, 13}});
  const std::vector<float> guide = {kNone, -1, -2, -3, -4, kNone, kNone, 0, kNone, kNone, -5, kNone, kNone};
  const std::vector<float> permuted = permuted_within_texts(guide, split, 10);
  for (int32_t text = 0; text < split.size(); ++text) {
    const auto of = [&](const std::vector<float>& all) {
      std::vector<float> weights(all.begin() + split.offsets[text], all.begin() + split.offsets[text + 1]);
      CHECK(weights.front() == kNone);
      CHECK(weights.back() == kNone);
      std::sort(weights.begin(), weights.end());
      return weights;
    };
    CHECK(of(permuted) == of(guide));
  }
  CHECK(permuted == permuted_within_texts(guide, split, 10));
}

TEST_CASE("every order of three weights is as likely as any other") {
  constexpr int kTexts = 6000;
  std::vector<std::vector<int32_t>> texts;
  std::vector<float> guide;
  for (int i = 0; i < kTexts; ++i) {
    texts.push_back({4 + i, 5, 6});
    guide.insert(guide.end(), {kNone, -1, -2, -3, kNone});
  }
  const std::vector<float> permuted = permuted_within_texts(guide, split_of(texts), 3);
  std::map<std::vector<float>, int> counts;
  for (int i = 0; i < kTexts; ++i) ++counts[{permuted.begin() + 5 * i + 1, permuted.begin() + 5 * i + 4}];
  REQUIRE(counts.size() == 6);
  double chi_square = 0;
  for (const auto& [order, count] : counts) chi_square += std::pow(count - kTexts / 6.0, 2) / (kTexts / 6.0);
  CHECK(chi_square < 20.5);  // the 0.999 quantile with 5 degrees of freedom
}

TEST_CASE("what is drawn for a text depends on its words and the seed, not on its place in the file") {
  const std::vector<int32_t> a = {7, 8, 9, 10, 11, 12, 13, 14}, b = {15, 16, 17, 18, 19, 20, 21, 22};
  std::vector<float> guide;
  for (int text = 0; text < 2; ++text) guide.insert(guide.end(), {kNone, -1, -2, -3, -4, -5, -6, -7, -8, kNone});
  const std::vector<float> first = permuted_within_texts(guide, split_of({a, b}), 10),
                           reversed = permuted_within_texts(guide, split_of({b, a}), 10);
  CHECK(std::equal(first.begin(), first.begin() + 10, reversed.begin() + 10));
  CHECK(std::equal(first.begin() + 10, first.end(), reversed.begin()));
  CHECK_FALSE(std::equal(first.begin(), first.begin() + 10, first.begin() + 10));
  CHECK(first != permuted_within_texts(guide, split_of({a, b}), 11));
}

}  // namespace notnot
