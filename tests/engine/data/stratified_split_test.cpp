#include "engine/data/stratified_split.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/support/input_error.h"

using namespace notnot;

TEST_CASE("stratified split: both classes dealt out alike, by seed") {
  std::vector<LabelledText> texts;
  for (int64_t i = 0; i < 100; ++i) texts.push_back({"a", i % 4 == 0 ? 1 : 0, SplitName::train, i});
  const auto splits = [&](uint64_t seed) {
    split_stratified(texts, {.dev = 0.1, .test = 0.2, .seed = seed});
    std::vector<SplitName> result;
    result.reserve(texts.size());
    for (const LabelledText& text : texts) result.push_back(text.split);
    return result;
  };
  const auto first = splits(1);
  const auto count = [&](int32_t label, SplitName split) {
    return std::count_if(texts.begin(), texts.end(),
                         [&](const LabelledText& text) { return text.label == label && text.split == split; });
  };
  CHECK(count(0, SplitName::test) == 15);
  CHECK(count(1, SplitName::test) == 5);
  CHECK(count(0, SplitName::dev) == 8);  // 7.5
  CHECK(count(1, SplitName::dev) == 3);  // 2.5
  CHECK(splits(1) == first);
  CHECK(splits(2) != first);
  CHECK_HAS(input_error([&] { split_stratified(texts, {.dev = 0.5, .test = 0.5}); }), "their sum below 1");
}

TEST_CASE("stratified split: a group goes to one split, whatever the order of the texts") {
  std::vector<LabelledText> texts;
  for (int64_t i = 0; i < 120; ++i) {
    const int64_t group = i < 80 ? 1 + i / 4 : 0;  // 20 groups of 4, then 40 texts that stand alone
    texts.push_back(
        {.words = fmt::format("word{}", i), .label = static_cast<int32_t>(i / 4 % 2), .row = i + 1, .group = group});
  }
  texts[3].label = 1;  // in a group of the class 0
  const auto split_by_words = [](std::vector<LabelledText> dealt) {
    split_stratified(dealt, {.dev = 0.15, .test = 0.3, .seed = 5});
    std::map<std::string, SplitName> result;
    for (const LabelledText& text : dealt) result.emplace(text.words, text.split);
    return result;
  };
  const auto splits = split_by_words(texts);
  std::map<int64_t, std::set<SplitName>> of_group;
  BySplit<int> count{};
  for (const LabelledText& text : texts) {
    ++count[splits.at(text.words)];
    if (text.group != 0) of_group[text.group].insert(splits.at(text.words));
  }
  for (const auto& [group, its_splits] : of_group) CHECK(its_splits.size() == 1);
  CHECK(count.test >= 36);  // of 120; the last group of each class may have 3 more
  CHECK(count.test <= 36 + 2 * 3);
  CHECK(count.dev >= 18 - 2 * 3);
  CHECK(count.dev <= 18 + 2 * 3);
  std::reverse(texts.begin(), texts.end());
  CHECK(split_by_words(texts) == splits);
}

namespace {

/// How often each of `count` texts, whose labels alternate, went to the test split, and how often both texts of a
/// neighbouring pair did, over `seeds` seeds.
struct Dealt {
  std::vector<int> to_test, both_to_test;
};
Dealt deal(int64_t count, double test, uint64_t seeds) {
  std::vector<LabelledText> texts;
  for (int64_t i = 0; i < count; ++i) texts.push_back({"a", static_cast<int32_t>(i % 2), SplitName::train, i + 1});
  Dealt result{std::vector<int>(count), std::vector<int>(count / 2)};
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    split_stratified(texts, {.dev = 0.2, .test = test, .seed = seed});
    for (int64_t i = 0; i < count; ++i) result.to_test[i] += texts[i].split == SplitName::test ? 1 : 0;
    for (int64_t i = 0; i + 1 < count; i += 2) {
      result.both_to_test[i / 2] += texts[i].split == SplitName::test && texts[i + 1].split == SplitName::test ? 1 : 0;
    }
  }
  return result;
}

}  // namespace

TEST_CASE("stratified split: every text comes to the test split equally often, and the two classes are dealt apart") {
  // Five texts of each class, one of them for test: each with probability 1/5, whatever its place. A shuffle that never
  // leaves a text in its place (Sattolo's) would never take the first. The text of the other class beside it is taken
  // at the same time with probability 1/25; with the same draws for both classes it would be with 1/5.
  constexpr uint64_t kSeeds = 10000;
  const Dealt dealt = deal(10, 0.2, kSeeds);
  for (const int count : dealt.to_test) {
    CHECK(count > 1800);  // five standard deviations of Binomial(10000, 1/5)
    CHECK(count < 2200);
  }
  for (const int count : dealt.both_to_test) {
    CHECK(count > 302);  // of Binomial(10000, 1/25)
    CHECK(count < 498);
  }
}

TEST_CASE("stratified split: shares are of all texts of the class, rounded to the nearest, a half up") {
  struct Case {
    int64_t size;
    double dev, test;
    int64_t in_dev, in_test;
  };
  for (const Case& c : {Case{10, 0.15, 0, 2, 0},
                        {9, 0.15, 0, 1, 0},
                        {17, 0.15, 0, 3, 0},
                        {16, 0.15, 0, 2, 0},
                        {10, 0.15, 0.25, 2, 3},
                        {11, 0.15, 0.2, 2, 2},
                        {3, 0.15, 0.2, 0, 1},
                        {2, 0.15, 0.2, 0, 0},
                        {20, 0, 0.5, 0, 10}}) {
    std::vector<LabelledText> texts;
    for (int64_t i = 0; i < 2 * c.size; ++i) texts.push_back({"a", static_cast<int32_t>(i % 2), SplitName::train, i});
    split_stratified(texts, {.dev = c.dev, .test = c.test, .seed = 4});
    CAPTURE(c.size);
    for (const int32_t label : {0, 1}) {
      const auto count = [&](SplitName split) {
        return std::count_if(texts.begin(), texts.end(),
                             [&](const LabelledText& text) { return text.label == label && text.split == split; });
      };
      CHECK(count(SplitName::dev) == c.in_dev);
      CHECK(count(SplitName::test) == c.in_test);
      CHECK(count(SplitName::train) == c.size - c.in_dev - c.in_test);
    }
  }
}
