#pragma once
// attended_sums.h by a warp.
#include "kernels/attended_sums.h"
#include "kernels/base/launch.cuh"

namespace notnot::cuda {

__device__ __forceinline__ double sum_of_warp(double value) {
  for (int mask = 16; mask > 0; mask /= 2) value += __shfl_xor_sync(0xFFFFFFFFU, value, mask);
  return value;
}

/// The sums over the tokens begin..end-1, in all 32 lanes. One warp does it, so that their order depends on the text
/// alone.
__device__ __forceinline__ AttendedSums attended_sums_of_warp(Span<const float> log_attention,
                                                              Span<const float> contributions, int begin, int end) {
  const AttendedSums own =
      attended_sums(log_attention, contributions, begin + static_cast<int>(threadIdx.x % 32), end, 32);
  return {sum_of_warp(own.weights), sum_of_warp(own.products)};
}

}  // namespace notnot::cuda
