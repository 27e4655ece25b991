#include "engine/data/stratified_split.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "tests/support/input_error.h"

using namespace notnot;

TEST_CASE("stratified split: both classes dealt out alike, by seed") {
  std::vector<LabelledText> texts;
  for (int64_t i = 0; i < 100; ++i) texts.push_back({"a", i % 4 == 0 ? 1 : 0, SplitName::train, i});
  const auto splits = [&](uint64_t seed) {
    split_stratified(texts, {.dev = 0.1, .test = 0.2, .seed = seed});
    std::vector<SplitName> result;
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
