#pragma once
// Operations on the rows and columns of a matrix, around the matrix products of gemm.h.
#include <array>

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

/// sums[j] += sum over i of scale[i] values[i, j]. An empty `scale` means 1 everywhere.
struct ColumnSum {
  int32_t rows = 0, columns = 0;
  Span<const float> values;      ///< [rows, columns]
  Span<const float> scale = {};  ///< [rows] or empty
  Span<float> sums;              ///< [columns], accumulates
  Span<float> second_sums = {};  ///< [columns], accumulates the same, or empty

  void check() const {
    NOTNOT_CHECK(rows > 0 && columns > 0, "[{}, {}]", rows, columns);
    NOTNOT_CHECK_SIZE(values, int64_t{rows} * columns);
    NOTNOT_CHECK(scale.empty() || scale.size >= rows, "`scale` has {} elements for {} rows", scale.size, rows);
    NOTNOT_CHECK_SIZE(sums, columns);
    NOTNOT_CHECK(second_sums.empty() || second_sums.size >= columns, "`second_sums` has {} elements, needs {}",
                 second_sums.size, columns);
  }
};

/// The column sums of up to four matrices: together they are one launch. Rows are summed in ascending order in blocks
/// of kColumnSumBlock, and the sums of the blocks are added in order: so neither threads nor thread blocks change a
/// bit.
struct ColumnSums {
  std::array<ColumnSum, 4> parts;  ///< a part without rows is none
  Span<float> workspace;           ///< [column_sum_workspace(rows, columns)] for the part that needs most

  void check() const;
};
inline constexpr int32_t kColumnSumBlock = 64;
constexpr int64_t column_sum_workspace(int64_t rows, int64_t columns) {
  return (rows + kColumnSumBlock - 1) / kColumnSumBlock * columns;
}
inline void ColumnSums::check() const {
  for (const ColumnSum& part : parts) {
    if (part.rows == 0) continue;
    part.check();
    NOTNOT_CHECK_SIZE(workspace, column_sum_workspace(part.rows, part.columns));
  }
}
NOTNOT_OPERATION(column_sums, ColumnSums)

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

/// norms[i] = the Euclidean length of values[i]. Squares are summed in fp64, so that none underflows or overflows.
struct RowNorm {
  int32_t rows = 0, columns = 0;
  Span<const float> values;  ///< [rows, columns]
  Span<float> norms;         ///< out [rows]

  void check() const {
    NOTNOT_CHECK(rows > 0 && columns > 0, "[{}, {}]", rows, columns);
    NOTNOT_CHECK_SIZE(values, int64_t{rows} * columns);
    NOTNOT_CHECK_SIZE(norms, rows);
  }
};
NOTNOT_OPERATION(row_norm, RowNorm)

}  // namespace notnot
