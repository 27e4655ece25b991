#include "kernels/base/cpu.h"
#include "kernels/matrix.h"

namespace notnot::NOTNOT_CPU_NAMESPACE {

void transpose(const Device& device, const Transpose& args) {
  constexpr int32_t kTile = 16;  // a tile's 16 lines of each side stay in the first-level cache
  const int32_t rows = args.rows, columns = args.columns;
  const int64_t stride = args.row_stride_of_to();
  parallel_for(device.threads, (columns + kTile - 1) / kTile, int64_t{kTile} * rows, [&](int32_t tile) {
    const int32_t column = tile * kTile;
    for (int32_t row = 0; row < rows; row += kTile) {
      for (int32_t j = column; j < smaller(column + kTile, columns); ++j) {
        for (int32_t i = row; i < smaller(row + kTile, rows); ++i) {
          args.to[j * stride + i] = args.from[int64_t{i} * columns + j];
        }
      }
    }
  });
}

void gather_rows(const Device& device, const GatherRows& args) {
  const size_t bytes = args.columns * sizeof(float);
  parallel_for(device.threads, args.count, args.columns, [&](int32_t i) {
    __builtin_memcpy(&args.to[int64_t{i} * args.columns], &args.from[int64_t{args.rows[i]} * args.columns], bytes);
  });
}

namespace {

void add_columns(const Device& device, const ColumnSum& args, Span<float> workspace) {
  const int32_t columns = args.columns;
  const int32_t blocks = (args.rows + kColumnSumBlock - 1) / kColumnSumBlock;
  parallel_for(device.threads, blocks, int64_t{kColumnSumBlock} * columns, [&](int32_t block) {
    float* partial = &workspace[int64_t{block} * columns];
    for (int32_t j = 0; j < columns; ++j) partial[j] = 0;
    for (int32_t i = block * kColumnSumBlock; i < smaller((block + 1) * kColumnSumBlock, args.rows); ++i) {
      const float* row = &args.values[int64_t{i} * columns];
      const float scale = args.scale.empty() ? 1.0F : args.scale[i];
      NOTNOT_SIMD
      for (int32_t j = 0; j < columns; ++j) partial[j] += scale * row[j];
    }
  });
  for (const Span<float>& sums : {args.sums, args.second_sums}) {
    for (int32_t block = 0; block < blocks && !sums.empty(); ++block) {
      const float* partial = &workspace[int64_t{block} * columns];
      NOTNOT_SIMD
      for (int32_t j = 0; j < columns; ++j) sums[j] += partial[j];
    }
  }
}

}  // namespace

void column_sums(const Device& device, const ColumnSums& args) {
  for (const ColumnSum& part : args.parts) {
    if (part.rows > 0) add_columns(device, part, args.workspace);
  }
}

void row_dot(const Device& device, const RowDot& args) {
  parallel_for(device.threads, args.rows, args.columns, [&](int32_t i) {
    args.products[i] = dot(&args.values[int64_t{i} * args.columns], args.vector.data, args.columns);
  });
}

void row_norm(const Device& device, const RowNorm& args) {
  parallel_for(device.threads, args.rows, int64_t{2} * args.columns, [&](int32_t i) {
    const float* row = &args.values[int64_t{i} * args.columns];
    double squares = 0;
    for (int32_t j = 0; j < args.columns; ++j) squares += static_cast<double>(row[j]) * static_cast<double>(row[j]);
    args.norms[i] = static_cast<float>(__builtin_sqrt(squares));
  });
}

}  // namespace notnot::NOTNOT_CPU_NAMESPACE
