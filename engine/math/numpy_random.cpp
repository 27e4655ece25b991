#include "engine/math/numpy_random.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "engine/io/input_error.h"
#include "kernels/base/error.h"

namespace notnot {
namespace {

int64_t sum(const std::vector<int64_t>& counts) { return std::accumulate(counts.begin(), counts.end(), int64_t{0}); }

/// How many of `draws` go to each class: its share rounded down. The draws that are left go to the classes with the
/// largest remainders; ties are broken at random.
std::vector<int64_t> share_among_classes(const std::vector<int64_t>& counts, int64_t draws, NumpyRandom& random) {
  const auto total = static_cast<double>(sum(counts));
  std::vector<int64_t> shares;
  std::vector<double> remainders;
  for (const int64_t count : counts) {
    // The order of the operations matters: two remainders tie only if they are the same double.
    const double share = static_cast<double>(count) / total * static_cast<double>(draws);
    shares.push_back(static_cast<int64_t>(std::floor(share)));
    remainders.push_back(share - std::floor(share));
  }
  int64_t left = draws - sum(shares);
  const std::set<double, std::greater<>> largest_first(remainders.begin(), remainders.end());
  for (auto remainder = largest_first.begin(); left > 0 && remainder != largest_first.end(); ++remainder) {
    std::vector<size_t> tied;
    for (size_t i = 0; i < remainders.size(); ++i) {
      if (remainders[i] == *remainder) tied.push_back(i);
    }
    const auto order = random.permutation(tied.size());
    const auto add = std::min<int64_t>(tied.size(), left);
    for (int64_t k = 0; k < add; ++k) ++shares[tied[order[k]]];
    left -= add;
  }
  return shares;
}

}  // namespace

uint32_t NumpyRandom::integer(uint32_t high) {
  uint32_t mask = high;
  for (const int shift : {1, 2, 4, 8, 16}) mask |= mask >> shift;
  if (mask == 0) return 0;  // without a draw
  uint32_t value = 0;
  do {
    value = bits_() & mask;
  } while (value > high);
  return value;
}

void NumpyRandom::shuffle(std::vector<int64_t>& values) {
  for (size_t i = values.size(); i-- > 1;) std::swap(values[i], values[integer(static_cast<uint32_t>(i))]);
}

std::vector<int64_t> NumpyRandom::permutation(int64_t size) {
  NOTNOT_CHECK(size >= 0 && size <= std::numeric_limits<uint32_t>::max(), "a permutation of {}", size);
  std::vector<int64_t> values(size);
  std::iota(values.begin(), values.end(), int64_t{0});
  shuffle(values);
  return values;
}

TrainTestIndices stratified_train_test_split(const std::vector<int32_t>& labels, double test_share, uint32_t seed) {
  NOTNOT_CHECK(test_share > 0 && test_share < 1, "a test share of {}", test_share);
  std::map<int32_t, std::vector<int64_t>> classes;
  for (size_t i = 0; i < labels.size(); ++i) classes[labels[i]].push_back(i);
  std::vector<int64_t> counts;
  for (const auto& [label, members] : classes) {
    if (members.size() < 2) {
      throw InputError(fmt::format(
          "only one text has label {}, but a split needs at least two of each class; add texts of that class", label));
    }
    counts.push_back(members.size());
  }
  const int64_t size = labels.size();
  const auto test_size = static_cast<int64_t>(std::ceil(test_share * static_cast<double>(size)));
  const auto smallest = std::min(test_size, size - test_size);
  if (smallest < static_cast<int64_t>(classes.size()) || smallest == 0) {
    throw InputError(
        fmt::format("{} texts split into {} and {} leave a part with fewer texts than there are classes "
                    "({}); add texts",
                    size, size - test_size, test_size, classes.size()));
  }

  NumpyRandom random(seed);
  const auto train_shares = share_among_classes(counts, size - test_size, random);
  std::vector<int64_t> remaining;
  for (size_t c = 0; c < counts.size(); ++c) remaining.push_back(counts[c] - train_shares[c]);
  const auto test_shares = share_among_classes(remaining, test_size, random);

  TrainTestIndices parts;
  size_t c = 0;
  for (const auto& [label, members] : classes) {
    const auto order = random.permutation(counts[c]);
    for (int64_t k = 0; k < train_shares[c] + test_shares[c]; ++k) {
      auto& part = k < train_shares[c] ? parts.train : parts.test;
      part.push_back(members[order[k]]);
    }
    ++c;
  }
  random.shuffle(parts.train);
  random.shuffle(parts.test);
  return parts;
}

}  // namespace notnot
