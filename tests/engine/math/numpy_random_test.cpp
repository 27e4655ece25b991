// The expected values are NumPy 2.4's and scikit-learn 1.9's.
#include "engine/math/numpy_random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "engine/io/input_error.h"

namespace notnot {
namespace {

using Indices = std::vector<int64_t>;

/// The checksum of a list that is too long to write down; the order counts.
uint64_t checksum(const Indices& values) {
  uint64_t sum = 0;
  for (const int64_t value : values) sum = sum * 31 + value;
  return sum;
}

Indices first(const Indices& values, size_t count) { return {values.begin(), values.begin() + count}; }

std::vector<int32_t> labels_at(const std::vector<int32_t>& labels, const Indices& indices) {
  std::vector<int32_t> chosen;
  for (const int64_t index : indices) chosen.push_back(labels[index]);
  return chosen;
}

TEST_CASE("permutations are those of RandomState, one after the other") {
  NumpyRandom random(1378);
  CHECK(random.permutation(12) == Indices{10, 4, 6, 8, 2, 7, 11, 0, 5, 1, 3, 9});
  CHECK(random.permutation(1) == Indices{0});
  CHECK(random.permutation(5) == Indices{3, 2, 1, 4, 0});
  CHECK(random.permutation(0).empty());

  const Indices all = NumpyRandom(1378).permutation(21815);
  CHECK(first(all, 6) == Indices{19284, 18724, 21519, 16796, 10995, 5787});
  CHECK(checksum(all) == 10223259544860677479U);
}

TEST_CASE("permutations are those that NumPy gives for other seeds") {
  CHECK(NumpyRandom(0).permutation(10) == Indices{2, 8, 4, 9, 1, 6, 7, 3, 0, 5});
  CHECK(NumpyRandom(42).permutation(10) == Indices{8, 1, 5, 0, 7, 2, 9, 4, 3, 6});
  CHECK(NumpyRandom(1).permutation(0).empty());
  CHECK(NumpyRandom(1).permutation(1) == Indices{0});
}

TEST_CASE("a stratified split, and a split of its training part") {
  const std::vector<int32_t> labels = {1, 0, 0, 1, 0, 1, 1, 0, 0, 0, 1, 0, 0};
  const auto parts = stratified_train_test_split(labels, 0.2, 12939);
  CHECK(parts.train == Indices{11, 6, 7, 12, 2, 4, 5, 10, 9, 0});
  CHECK(parts.test == Indices{8, 3, 1});
  const auto inner = stratified_train_test_split(labels_at(labels, parts.train), 0.15, 13448);
  Indices train, dev;
  for (const int64_t i : inner.train) train.push_back(parts.train[i]);
  for (const int64_t i : inner.test) dev.push_back(parts.train[i]);
  CHECK(train == Indices{6, 12, 10, 5, 2, 4, 9, 11});
  CHECK(dev == Indices{7, 0});
}

TEST_CASE("ties between classes are broken by the same draws") {
  const std::vector<int32_t> labels = {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 2, 2, 2, 2, 2};
  struct Case {
    uint32_t seed;
    Indices train, test;
  };
  for (const Case& expected : {Case{1, {10, 4, 6, 13, 3, 0, 11, 2, 7, 5}, {12, 14, 9, 8, 1}},
                               {2, {2, 8, 12, 14, 6, 11, 9, 10, 5, 3}, {1, 13, 4, 7, 0}},
                               {3, {9, 14, 0, 4, 11, 5, 8, 3, 10, 7}, {13, 6, 12, 2, 1}}}) {
    INFO(expected.seed);
    const auto parts = stratified_train_test_split(labels, 0.3, expected.seed);
    CHECK(parts.train == expected.train);
    CHECK(parts.test == expected.test);
  }
}

TEST_CASE("a split of the size of the anemia task") {
  std::vector<int32_t> labels;
  for (int32_t i = 0; i < 6845; ++i) labels.push_back(i % 8 < 5 ? 1 : 0);
  const auto parts = stratified_train_test_split(labels, 0.2, 12939);
  CHECK(parts.train.size() == 5476);
  CHECK(parts.test.size() == 1369);
  CHECK(first(parts.train, 5) == Indices{5035, 786, 5239, 3150, 6241});
  CHECK(first(parts.test, 5) == Indices{1403, 6235, 4356, 6666, 925});
  CHECK(checksum(parts.train) == 16231454226536009595U);
  CHECK(checksum(parts.test) == 9862771236688321319U);
  const auto test_labels = labels_at(labels, parts.test);
  CHECK(std::accumulate(test_labels.begin(), test_labels.end(), 0) == 856);
}

TEST_CASE("what cannot be stratified is refused") {
  const auto message = [](const std::vector<int32_t>& labels, double share) {
    try {
      stratified_train_test_split(labels, share, 1);
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  CHECK(message({0, 0, 0, 1}, 0.5).starts_with("only one text has label 1"));
  CHECK(message({0, 0, 0, 0, 1, 1, 1, 1}, 0.1).starts_with("8 texts split into 7 and 1"));
  CHECK(message({0, 0, 1, 1}, 0.6).starts_with("4 texts split into 1 and 3"));
  CHECK(message({}, 0.5).starts_with("0 texts split into 0 and 0"));
  CHECK(message({0, 0, 1, 1}, 0.5) == "no error");
}

}  // namespace
}  // namespace notnot
