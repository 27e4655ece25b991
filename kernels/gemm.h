#pragma once
// Matrix products: oneDNN on the CPU, cuBLASLt on CUDA, fp32 throughout (no TF32).
#include "kernels/device.h"

namespace notnot {

/// c = a b, or c += a b. A row of c depends on its row of a alone, bit for bit, whatever `rows` is: products are
/// computed in tiles of kRowTile full rows, so a and c have padded_rows(rows) rows and b is never passed transposed.
struct MatMul {
  int32_t rows = 0, inner = 0, columns = 0;
  Span<const float> a;      ///< [padded_rows(rows), inner]
  Span<const float> b;      ///< [inner, columns]
  Span<float> c;            ///< [padded_rows(rows), columns]; may not overlap a or b
  bool accumulate = false;  ///< c += instead of c =

  void check() const {
    NOTNOT_CHECK(rows > 0 && inner > 0 && columns > 0, "[{}, {}] x [{}, {}]", rows, inner, inner, columns);
    NOTNOT_CHECK_SIZE(a, padded_rows(rows) * inner);
    NOTNOT_CHECK_SIZE(b, int64_t{inner} * columns);
    NOTNOT_CHECK_SIZE(c, padded_rows(rows) * columns);
  }
};
NOTNOT_OPERATION(matmul, MatMul)

/// c += a^T b, summed over rows: the gradient of a weight. Same bytes whatever the number of threads.
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
