#pragma once
// Operations on the rows and columns of a matrix, around the matrix products of gemm.h.
#include "kernels/base/operation.h"

namespace notnot {

/// to = from^T. MatMul needs weights transposed; the copy is made anew whenever the parameters change.
struct Transpose {
  int32_t rows = 0, columns = 0;
  int64_t to_stride = 0;   ///< elements from one row of `to` to the next; 0: rows
  Span<const float> from;  ///< [rows, columns]
  Span<float> to;          ///< [columns, rows] with row stride to_stride

  int64_t row_stride_of_to() const { return to_stride == 0 ? rows : to_stride; }
  void check() const {
    NOTNOT_CHECK(rows > 0 && columns > 0 && (to_stride == 0 || to_stride >= rows), "[{}, {}], stride {}", rows, columns,
                 to_stride);
    NOTNOT_CHECK_SIZE(from, int64_t{rows} * columns);
    NOTNOT_CHECK_SIZE(to, (columns - 1) * row_stride_of_to() + rows);
  }
};
NOTNOT_OPERATION(transpose, Transpose)

/// to[i] = from[rows[i]]: looks up embeddings, or expands a table of distinct ids to the tokens.
struct GatherRows {
  int32_t count = 0, columns = 0;
  int32_t from_rows = 0;
  Span<const float> from;    ///< [from_rows, columns]
  Span<const int32_t> rows;  ///< [count], each in [0, from_rows)
  Span<float> to;            ///< [count, columns]

  void check() const {
    NOTNOT_CHECK(count > 0 && columns > 0, "{} rows of {}", count, columns);
    NOTNOT_CHECK_SIZE(from, int64_t{from_rows} * columns);
    NOTNOT_CHECK_SIZE(rows, count);
    NOTNOT_CHECK_SIZE(to, int64_t{count} * columns);
  }
};
NOTNOT_OPERATION(gather_rows, GatherRows)

/// sums[j] += sum over i of scale[i] values[i, j]. Rows are summed in ascending order in blocks of a fixed size, so
/// that neither threads nor thread blocks change the order of summation. An empty `scale` means 1 everywhere.
struct ColumnSum {
  int32_t rows = 0, columns = 0;
  Span<const float> values;  ///< [rows, columns]
  Span<const float> scale;   ///< [rows] or empty
  Span<float> sums;          ///< [columns], accumulates
  Span<float> second_sums;   ///< [columns], accumulates the same, or empty
  Span<float> workspace;     ///< [column_sum_workspace(rows, columns)]

  void check() const;
};
/// Rows that are summed one after the other; the partial sums of the blocks are then added in order.
inline constexpr int32_t kColumnSumBlock = 64;
constexpr int64_t column_sum_workspace(int64_t rows, int64_t columns) {
  return (rows + kColumnSumBlock - 1) / kColumnSumBlock * columns;
}
inline void ColumnSum::check() const {
  NOTNOT_CHECK(rows > 0 && columns > 0, "[{}, {}]", rows, columns);
  NOTNOT_CHECK_SIZE(values, int64_t{rows} * columns);
  NOTNOT_CHECK(scale.empty() || scale.size >= rows, "`scale` has {} elements for {} rows", scale.size, rows);
  NOTNOT_CHECK_SIZE(sums, columns);
  NOTNOT_CHECK(second_sums.empty() || second_sums.size >= columns, "`second_sums` has {} elements, needs {}",
               second_sums.size, columns);
  NOTNOT_CHECK_SIZE(workspace, column_sum_workspace(rows, columns));
}
NOTNOT_OPERATION(column_sum, ColumnSum)

/// products[i] = values[i] . vector. The order of a row's sum depends only on `columns`.
struct RowDot {
  int32_t rows = 0, columns = 0;
  Span<const float> values;  ///< [rows, columns]
  Span<const float> vector;  ///< [columns]
  Span<float> products;      ///< out [rows]

  void check() const {
    NOTNOT_CHECK(rows > 0 && columns > 0, "[{}, {}]", rows, columns);
    NOTNOT_CHECK_SIZE(values, int64_t{rows} * columns);
    NOTNOT_CHECK_SIZE(vector, columns);
    NOTNOT_CHECK_SIZE(products, rows);
  }
};
NOTNOT_OPERATION(row_dot, RowDot)

}  // namespace notnot
