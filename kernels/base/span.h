#pragma once
// Host and device code share this: the qualifier of functions, and a view of contiguous memory.
#include <cstdint>
#include <type_traits>

// Functions marked NOTNOT_HD run on host and device. They are always inlined: the CPU files are compiled once per
// instruction set, and of out-of-line copies of a shared function the linker would keep one set's code for all sets.
#if defined(__CUDACC__)
#define NOTNOT_HD __host__ __device__ __forceinline__
#else
#define NOTNOT_HD inline __attribute__((always_inline))
#endif

namespace notnot {

/// `size` elements at `data`, on the device that the operation runs on. Operations take spans and own no memory.
template <class T>
struct Span {
  T* data = nullptr;
  int64_t size = 0;

  NOTNOT_HD T& operator[](int64_t i) const { return data[i]; }
  NOTNOT_HD bool empty() const { return size == 0; }
  NOTNOT_HD Span subspan(int64_t begin, int64_t count) const { return {data + begin, count}; }
  NOTNOT_HD operator Span<const T>() const  // NOLINT(google-explicit-constructor): a view of the same memory, read only
      requires(!std::is_const_v<T>) {
    return {data, size};
  }
};

}  // namespace notnot
