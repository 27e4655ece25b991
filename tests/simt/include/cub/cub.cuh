#pragma once
// The two CUB algorithms that the kernels use, done sequentially. Without scratch memory they only say how much they
// need, as CUB's do; otherwise they overwrite it with NaN.
#include <cuda_runtime.h>

#include <numeric>
#include <vector>

namespace cub {

struct DeviceRadixSort {
  template <class Key, class Value>
  static cudaError_t SortPairs(void* scratch, size_t& bytes, const Key* keys, Key* sorted_keys, const Value* values,
                               Value* sorted_values, int count, int begin_bit, int end_bit, cudaStream_t stream) {
    const auto size = static_cast<size_t>(count);
    const size_t needed = size * (sizeof(Key) + sizeof(Value));
    if (scratch == nullptr) return bytes = needed, cudaSuccess;
    if (!notnot::simt::is_current(stream)) return cudaErrorInvalidResourceHandle;
    const Key mask =
        (end_bit - begin_bit >= static_cast<int>(8 * sizeof(Key)) ? ~Key{0} : (Key{1} << (end_bit - begin_bit)) - 1)
        << begin_bit;
    notnot::simt::enqueue(stream, [=] {
      std::memset(scratch, 0xFF, needed);
      std::vector<size_t> order(size);
      std::iota(order.begin(), order.end(), size_t{0});
      std::stable_sort(order.begin(), order.end(),
                       [&](size_t a, size_t b) { return (keys[a] & mask) < (keys[b] & mask); });
      for (size_t i = 0; i < size; ++i) {
        sorted_keys[i] = keys[order[i]];
        sorted_values[i] = values[order[i]];
      }
    });
    return cudaPeekAtLastError();  // as CUB does, also when the error is an earlier call's
  }
};

struct DeviceScan {
  template <class T>
  static cudaError_t InclusiveSum(void* scratch, size_t& bytes, const T* values, T* sums, int count,
                                  cudaStream_t stream) {
    constexpr size_t kNeeded = 256;
    if (scratch == nullptr) return bytes = kNeeded, cudaSuccess;
    if (!notnot::simt::is_current(stream)) return cudaErrorInvalidResourceHandle;
    notnot::simt::enqueue(stream, [=] {
      std::memset(scratch, 0xFF, kNeeded);
      std::partial_sum(values, values + count, sums);
    });
    return cudaPeekAtLastError();
  }
};

}  // namespace cub
