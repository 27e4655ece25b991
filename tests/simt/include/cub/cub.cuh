#pragma once
// The two CUB algorithms that the kernels use, sequentially. The scratch memory is overwritten, as CUB's is.
#include <cuda_runtime.h>

#include <numeric>
#include <vector>

namespace cub {

/// With no memory given, says how much; else poisons it. Returns whether to go on.
inline bool use_scratch(void* scratch, size_t& bytes, size_t needed) {
  if (scratch == nullptr) return bytes = needed, false;
  std::memset(scratch, 0xFF, needed);
  return true;
}

struct DeviceRadixSort {
  template <class Key, class Value>
  static cudaError_t SortPairs(void* scratch, size_t& bytes, const Key* keys, Key* sorted_keys, const Value* values,
                               Value* sorted_values, int count, int begin_bit, int end_bit, cudaStream_t) {
    const auto size = static_cast<size_t>(count);
    if (!use_scratch(scratch, bytes, size * (sizeof(Key) + sizeof(Value)))) return cudaSuccess;
    const Key mask =
        (end_bit - begin_bit >= static_cast<int>(8 * sizeof(Key)) ? ~Key{0} : (Key{1} << (end_bit - begin_bit)) - 1)
        << begin_bit;
    std::vector<size_t> order(size);
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return (keys[a] & mask) < (keys[b] & mask); });
    for (size_t i = 0; i < size; ++i) {
      sorted_keys[i] = keys[order[i]];
      sorted_values[i] = values[order[i]];
    }
    return cudaSuccess;
  }
};

struct DeviceScan {
  template <class T>
  static cudaError_t InclusiveSum(void* scratch, size_t& bytes, const T* values, T* sums, int count, cudaStream_t) {
    if (use_scratch(scratch, bytes, 256)) std::partial_sum(values, values + count, sums);
    return cudaSuccess;
  }
};

}  // namespace cub
