#pragma once
// Matrix products: oneDNN on the CPU, cuBLASLt on CUDA, fp32 throughout (no TF32).
#include "kernels/base/operation.h"

namespace notnot {

/// Elements from one row of a transposed weight to the next: its columns, and a cache line more where otherwise all
/// rows would fall into the same sets of a first-level cache (rows of 4 KiB: with a stride of 1024 the product runs at
/// 47 GFLOP/s, with 1040 at 97).
constexpr int64_t weight_stride(int64_t columns) { return columns % 1024 == 0 ? columns + 16 : columns; }

/// c = a b, or c += a b. A row of c depends only on b and its own row of a, bit for bit, whatever `rows` is. Therefore
/// products are computed in tiles of kRowTile full rows: a and c have padded_rows(rows) rows, and b is never
/// transposed.
struct MatMul {
  int32_t rows = 0, inner = 0, columns = 0;
  int64_t a_stride = 0;     ///< elements from one row of a to the next; 0: inner
  int64_t b_stride = 0;     ///< elements from one row of b to the next; 0: columns
  Span<const float> a;      ///< [padded_rows(rows), inner] with row stride a_stride
  Span<const float> b;      ///< [inner, columns] with row stride b_stride
  Span<float> c;            ///< [padded_rows(rows), columns]; may not overlap a or b
  bool accumulate = false;  ///< c += instead of c =

  int64_t row_stride_of_a() const { return a_stride == 0 ? inner : a_stride; }
  int64_t row_stride_of_b() const { return b_stride == 0 ? columns : b_stride; }
  void check() const {
    NOTNOT_CHECK(rows > 0 && inner > 0 && columns > 0 && row_stride_of_a() >= inner && row_stride_of_b() >= columns,
                 "[{}, {}] x [{}, {}], strides {} and {}", rows, inner, inner, columns, a_stride, b_stride);
    NOTNOT_CHECK_SIZE(a, (padded_rows(rows) - 1) * row_stride_of_a() + inner);
    NOTNOT_CHECK_SIZE(b, (inner - 1) * row_stride_of_b() + columns);
    NOTNOT_CHECK_SIZE(c, padded_rows(rows) * columns);
  }
};
NOTNOT_OPERATION(matmul, MatMul)

/// c += a^T b, summed over rows: the gradient of a weight. The bytes do not depend on the number of threads.
struct WeightGradient {
  int32_t rows = 0, outputs = 0, inputs = 0;
  int32_t a_stride = 0, b_stride = 0;  ///< elements from one row to the next; at least outputs and inputs
  Span<const float> a;                 ///< [rows, outputs] with row stride a_stride
  Span<const float> b;                 ///< [rows, inputs] with row stride b_stride
  Span<float> c;                       ///< [outputs, inputs], accumulates

  void check() const {
    NOTNOT_CHECK(rows > 0 && outputs > 0 && inputs > 0 && a_stride >= outputs && b_stride >= inputs,
                 "[{}, {}]^T x [{}, {}], strides {} and {}", rows, outputs, rows, inputs, a_stride, b_stride);
    NOTNOT_CHECK_SIZE(a, int64_t{rows - 1} * a_stride + outputs);
    NOTNOT_CHECK_SIZE(b, int64_t{rows - 1} * b_stride + inputs);
    NOTNOT_CHECK_SIZE(c, int64_t{outputs} * inputs);
  }
};
NOTNOT_OPERATION(weight_gradient, WeightGradient)

}  // namespace notnot
