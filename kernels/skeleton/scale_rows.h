#pragma once
// A small operation to copy when you add one: every row of a matrix times its own factor,
//   scaled[i, j] = scale[i] values[i, j].
// It has all that an operation of kernels/ has (kernels/README.md). It is built and tested as they are, but the program
// does not use it. Its arrays for tests stand in kernels/cases/scale_rows_case.h, its test is
// tests/backends/scale_rows_test.cpp.
#include "kernels/base/operation.h"

namespace notnot {

struct ScaleRowsForward {
  int32_t rows = 0, columns = 0;  ///< R, C
  Span<const float> values;       ///< [R, C]
  Span<const float> scale;        ///< [R] a parameter
  Span<float> scaled;             ///< out [R, C]; may not overlap `values`

  void check() const {
    NOTNOT_CHECK(rows > 0 && columns > 0, "[{}, {}]", rows, columns);
    NOTNOT_CHECK_SIZE(values, int64_t{rows} * columns);
    NOTNOT_CHECK_SIZE(scale, rows);
    NOTNOT_CHECK_SIZE(scaled, int64_t{rows} * columns);
  }
};
NOTNOT_OPERATION(scale_rows_forward, ScaleRowsForward)

/// dvalues[i, j] = scale[i] dscaled[i, j],  dscale[i] += sum over j of dscaled[i, j] values[i, j]. The order of the sum
/// depends only on C, so a row has the same bytes in any matrix.
struct ScaleRowsBackward {
  int32_t rows = 0, columns = 0;  ///< R, C
  Span<const float> values;       ///< [R, C] as for forward
  Span<const float> scale;        ///< [R] as for forward
  Span<const float> dscaled;      ///< [R, C]
  Span<float> dvalues;            ///< out [R, C]; may not overlap `values` or `dscaled`
  Span<float> dscale;             ///< [R], accumulates: `scale` is a parameter

  void check() const {
    NOTNOT_CHECK(rows > 0 && columns > 0, "[{}, {}]", rows, columns);
    NOTNOT_CHECK_SIZE(values, int64_t{rows} * columns);
    NOTNOT_CHECK_SIZE(scale, rows);
    NOTNOT_CHECK_SIZE(dscaled, int64_t{rows} * columns);
    NOTNOT_CHECK_SIZE(dvalues, int64_t{rows} * columns);
    NOTNOT_CHECK_SIZE(dscale, rows);
  }
};
NOTNOT_OPERATION(scale_rows_backward, ScaleRowsBackward)

}  // namespace notnot
