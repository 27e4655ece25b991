#pragma once
// Only for the *_cpu.cpp files. Each of them is compiled once per instruction set (NOTNOT_CPU_ISA), into a namespace of
// its own. They use no inline function of the standard library: the linker would share its out-of-line copies between
// the sets.
#if defined(__AVX512F__)
#include <immintrin.h>  // by their names here, both GCC and clang know the instructions
#endif

#include "kernels/base/device.h"
#include "kernels/base/share_out.h"

#define NOTNOT_CPU_NAMESPACE_OF(set) cpu_##set
#define NOTNOT_CPU_NAMESPACE_FOR(set) NOTNOT_CPU_NAMESPACE_OF(set)
#define NOTNOT_CPU_NAMESPACE NOTNOT_CPU_NAMESPACE_FOR(NOTNOT_CPU_ISA)

// Stands before a loop whose iterations are independent. GCC 12 does not vectorise an `omp simd` loop that has a small
// struct in its body (it first makes an array of the struct, an element per lane); with ivdep it does.
#if defined(__clang__)
#define NOTNOT_SIMD _Pragma("omp simd")
#else
#define NOTNOT_SIMD _Pragma("GCC ivdep")
#endif

namespace notnot {

/// Thrown by the CPU operations, defined once in device.cpp.
[[noreturn]] void throw_gemm_failed(int status);

namespace NOTNOT_CPU_NAMESPACE {

#if defined(__AVX512F__)
inline constexpr int32_t kLanes = 16;
#elif defined(__AVX__)
inline constexpr int32_t kLanes = 8;
#else
inline constexpr int32_t kLanes = 4;
#endif
/// One vector register of floats.
typedef float Lanes __attribute__((vector_size(4 * kLanes)));

NOTNOT_HD Lanes load(const float* from) {
  Lanes value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}
NOTNOT_HD void store(float* to, Lanes value) { __builtin_memcpy(to, &value, sizeof value); }

NOTNOT_HD bool is_aligned(const float* data) { return reinterpret_cast<uintptr_t>(data) % sizeof(Lanes) == 0; }

/// Stores a vector at an aligned address, past the caches. Another thread sees it after `streams_visible()`.
NOTNOT_HD void stream(float* to, Lanes value) {
#if defined(__AVX512F__)
  _mm512_stream_ps(to, value);
#else
  store(to, value);
#endif
}
NOTNOT_HD void streams_visible() {
#if defined(__AVX512F__)
  _mm_sfence();
#endif
}

NOTNOT_HD constexpr int32_t smaller(int32_t a, int32_t b) { return a < b ? a : b; }
NOTNOT_HD constexpr int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/// sum_i a[i] b[i] in an order that depends only on n, never on alignment.
NOTNOT_HD float dot(const float* a, const float* b, int32_t n) {
  Lanes sum0 = {}, sum1 = {};
  int32_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    sum0 += load(a + i) * load(b + i);
    sum1 += load(a + i + kLanes) * load(b + i + kLanes);
  }
  float tail = 0;
  for (; i < n; ++i) tail += a[i] * b[i];
  const Lanes sum = sum0 + sum1;
  for (int32_t lane = 0; lane < kLanes; ++lane) tail += sum[lane];
  return tail;
}

}  // namespace NOTNOT_CPU_NAMESPACE
}  // namespace notnot
