#pragma once
// CUDA's vector types, with the alignment that nvcc gives them.
#include <cstdint>

struct uint3 {
  unsigned x, y, z;
};

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1)  // NOLINT(google-explicit-constructor): as CUDA's
      : x(x_), y(y_), z(z_) {}
};

#define NOTNOT_SIMT_VECTORS(T, name)                                \
  struct alignas(2 * sizeof(T)) name##2 {                           \
    T x, y;                                                         \
  };                                                                \
  struct alignas(4 * sizeof(T) < 16 ? 4 * sizeof(T) : 16) name##4 { \
    T x, y, z, w;                                                   \
  };                                                                \
  constexpr name##2 make_##name##2(T x, T y) { return {x, y}; }     \
  constexpr name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }
NOTNOT_SIMT_VECTORS(float, float)
NOTNOT_SIMT_VECTORS(double, double)
NOTNOT_SIMT_VECTORS(int, int)
NOTNOT_SIMT_VECTORS(unsigned, uint)
#undef NOTNOT_SIMT_VECTORS
