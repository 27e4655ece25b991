#pragma once
// fp32 as pairs of bf16 numbers, and the tensor cores' product of bf16 matrices. Instructions of sm_80 and later, each
// with a scalar twin for the emulator.
#include <cuda_runtime.h>

#include <cmath>
#include <cstdint>

namespace notnot::cuda {

/// Two numbers, each rounded to the nearest bf16 number, ties to even; `first` is in the lower half of the word.
__device__ __forceinline__ uint32_t pack_bf16(float first, float second) {
#if defined(NOTNOT_SIMT)
  const auto rounded = [](float x) {
    const auto bits = __builtin_bit_cast(uint32_t, x);
    return std::isnan(x) ? 0x7FFFU : (bits + 0x7FFFU + (bits >> 16 & 1)) >> 16;
  };
  return rounded(first) | rounded(second) << 16;
#else
  uint32_t word;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(second), "f"(first));
  return word;
#endif
}
__device__ __forceinline__ float first_of(uint32_t pair) { return __builtin_bit_cast(float, pair << 16); }
__device__ __forceinline__ float second_of(uint32_t pair) { return __builtin_bit_cast(float, pair & 0xFFFF0000U); }

/// Two numbers x, each as x = hi + lo + e with |e| <= 2^-16 |x|.
struct SplitPair {
  uint32_t hi, lo;
};
__device__ __forceinline__ SplitPair split(float first, float second) {
  const uint32_t hi = pack_bf16(first, second);
  return {hi, pack_bf16(first - first_of(hi), second - second_of(hi))};
}

/// sum += a b, by one warp together: `a` is 16 x 16, `b` 16 x 8, `sum` 16 x 8. With r = l / 4 and q = 2 (l % 4), lane l
/// holds
///   of a    (r, q), (r + 8, q), (r, q + 8), (r + 8, q + 8), each with the column after it,
///   of b    (q, r), (q + 8, r), each with the row after it,
///   of sum  (r, q), (r, q + 1), (r + 8, q), (r + 8, q + 1).
/// Products are exact; the hardware decides order and rounding of the sum (PTX ISA, mma.m16n8k16).
__device__ __forceinline__ void multiply_add(float4& sum, const uint4& a, const uint2& b) {
#if defined(NOTNOT_SIMT)
  const auto lanes = simt::exchange_operands({a.x, a.y, a.z, a.w, b.x, b.y}, {"mma", __FILE__, __LINE__});
  const size_t lane = threadIdx.x % warpSize, row = lane / 4 * 4, column = lane % 4 * 8;
  const auto add = [](float& to, uint32_t x, uint32_t y) {
    to += first_of(x) * first_of(y);
    to += second_of(x) * second_of(y);
  };
  for (size_t i = 0; i < 8; ++i) {  // k = 2 i and the next
    const size_t k = i % 4, half = i / 4;
    const auto &of_row = lanes[row + k], &left = lanes[column + k], &right = lanes[column + 4 + k];
    add(sum.x, of_row[2 * half], left[4 + half]);
    add(sum.y, of_row[2 * half], right[4 + half]);
    add(sum.z, of_row[2 * half + 1], left[4 + half]);
    add(sum.w, of_row[2 * half + 1], right[4 + half]);
  }
#else
  // volatile: all lanes have to execute it, so it must not move into a branch.
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(sum.x), "+f"(sum.y), "+f"(sum.z), "+f"(sum.w)
      : "r"(a.x), "r"(a.y), "r"(a.z), "r"(a.w), "r"(b.x), "r"(b.y));
#endif
}

}  // namespace notnot::cuda
