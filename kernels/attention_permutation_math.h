#pragma once
// The arrangement that a permutation's number stands for, and the rank of a value among others.
#include "kernels/base/philox.h"

namespace notnot {

/// Names the random numbers of one arrangement: draw n is word n % 4 of the Philox block whose counter is
/// {n / 4, permutation, purpose, key}.
struct PermutationKey {
  uint64_t seed;
  uint32_t permutation, purpose, key;
};

/// Word n takes the place of a random one of the words 0..n, which moves to place n. The bias is below n / 2^32.
NOTNOT_HD void deal_word(uint32_t draw, int32_t n, float weight, float* dealt, int64_t stride) {
  const auto place = static_cast<int32_t>((uint64_t{draw} * (static_cast<uint32_t>(n) + 1)) >> 32);
  if (place != n) dealt[n * stride] = dealt[place * stride];
  dealt[place * stride] = weight;
}

/// Fills dealt[n * stride], n < words, with the weights in random order.
NOTNOT_HD void deal(const PermutationKey& from, const float* weights, int32_t words, float* dealt, int64_t stride) {
  for (int32_t n = 0; n < words; n += 4) {
    const PhiloxWords draws =
        philox({static_cast<uint32_t>(n / 4), from.permutation, from.purpose, from.key}, from.seed);
    deal_word(draws.x, n, weights[n], dealt, stride);
    if (n + 1 < words) deal_word(draws.y, n + 1, weights[n + 1], dealt, stride);
    if (n + 2 < words) deal_word(draws.z, n + 2, weights[n + 2], dealt, stride);
    if (n + 3 < words) deal_word(draws.w, n + 3, weights[n + 3], dealt, stride);
  }
}

/// The number of `values` that stand before values[i] in ascending order. Equal values are ordered by their index.
NOTNOT_HD int32_t rank_of(const float* values, int32_t count, int32_t i) {
  const float value = values[i];
  int32_t rank = 0;
  for (int32_t j = 0; j < count; ++j) rank += values[j] < value || (values[j] == value && j < i) ? 1 : 0;
  return rank;
}

}  // namespace notnot
