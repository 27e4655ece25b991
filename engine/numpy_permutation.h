#pragma once
// The shuffles behind published splits.
#include <cstdint>
#include <vector>

namespace notnot {

/// What `numpy.random.RandomState(seed).permutation(n)` gives: MT19937, then a Fisher-Yates shuffle of 0..n-1 from the
/// back, each index drawn by rejection from the smallest power of two. n is below 2^32.
std::vector<int64_t> numpy_permutation(uint32_t seed, int64_t n);

}  // namespace notnot
