#include "engine/numpy_permutation.h"

#include <bit>
#include <numeric>
#include <random>
#include <utility>

namespace notnot {

std::vector<int64_t> numpy_permutation(uint32_t seed, int64_t n) {
  std::mt19937 generator(seed);
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (size_t i = order.size(); i-- > 1;) {
    const uint64_t mask = std::bit_ceil(uint64_t{i} + 1) - 1;
    uint64_t other = 0;
    do {
      other = generator() & mask;
    } while (other > i);
    std::swap(order[i], order[other]);
  }
  return order;
}

}  // namespace notnot
