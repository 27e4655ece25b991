// Each of these operations reads and writes its matrix once, coalesced. So its floor is bytes / bandwidth (4.8 TB/s on
// an H200), or, for the sizes of this project, the launch (2-3 us).
#include "kernels/base/launch.cuh"
#include "kernels/matrix.h"

namespace notnot::cuda {
namespace {

// Transpose: a tile goes through shared memory so that both sides are coalesced; the extra column keeps the threads of
// a warp in different banks when they read down a column.
constexpr int kTile = 32, kTileStride = kTile + 1, kTileRows = 8;
constexpr size_t kTileBytes = sizeof(float) * kTile * kTileStride;
static_assert(kTileBytes == 4'224, "as in kernels/budgets.md");

__global__ void __launch_bounds__(kTile* kTileRows)
    transpose_kernel(const float* __restrict__ from, float* __restrict__ to, int32_t rows, int32_t columns,
                     int64_t to_stride) {
  float* tile = dynamic_shared<float>();
  const auto x = static_cast<int32_t>(threadIdx.x), y = static_cast<int32_t>(threadIdx.y);
  const int32_t row = static_cast<int32_t>(blockIdx.y) * kTile, column = static_cast<int32_t>(blockIdx.x) * kTile;
  for (int32_t i = y; i < kTile; i += kTileRows) {
    if (row + i < rows && column + x < columns) {
      tile[i * kTileStride + x] = from[int64_t{row + i} * columns + column + x];
    }
  }
  __syncthreads();
  for (int32_t i = y; i < kTile; i += kTileRows) {
    if (column + i < columns && row + x < rows) {
      to[(column + i) * to_stride + row + x] = tile[x * kTileStride + i];
    }
  }
}

// Gather: a warp per row.
constexpr int kGatherRows = 8;

__global__ void __launch_bounds__(kGatherRows * 32)
    gather_rows_kernel(const float* __restrict__ from, const int32_t* __restrict__ rows, float* __restrict__ to,
                       int32_t count, int32_t columns) {
  const int32_t i = blockIdx.x * kGatherRows + threadIdx.y;
  if (i >= count) return;
  const float* source = from + int64_t{rows[i]} * columns;
  for (int32_t j = threadIdx.x; j < columns; j += 32) to[int64_t{i} * columns + j] = source[j];
}

// Column sum: a thread sums one column of one block of rows; then a thread per column adds the blocks, in order. The
// second kernel's additions depend on each other, but its loads do not: unrolled, they are in flight together.
constexpr int kColumns = 128;

__global__ void __launch_bounds__(kColumns)
    column_sum_blocks(const float* __restrict__ values, const float* __restrict__ scale, float* __restrict__ partial,
                      int32_t rows, int32_t columns) {
  const int32_t j = blockIdx.y * kColumns + threadIdx.x;
  if (j >= columns) return;
  const int32_t begin = static_cast<int32_t>(blockIdx.x) * kColumnSumBlock;
  const int32_t end = min(begin + kColumnSumBlock, rows);
  float sum = 0;
#pragma unroll 8
  for (int32_t i = begin; i < end; ++i) {
    const float value = values[int64_t{i} * columns + j];
    sum += scale == nullptr ? value : scale[i] * value;
  }
  partial[int64_t{blockIdx.x} * columns + j] = sum;
}

__global__ void __launch_bounds__(kColumns)
    column_sum_total(const float* __restrict__ partial, float* __restrict__ sums, float* __restrict__ second_sums,
                     int32_t blocks, int32_t columns) {
  const int32_t j = blockIdx.x * kColumns + threadIdx.x;
  if (j >= columns) return;
  float sum = sums[j], second = second_sums == nullptr ? 0.0F : second_sums[j];
#pragma unroll 16
  for (int32_t block = 0; block < blocks; ++block) {
    const float value = partial[int64_t{block} * columns + j];
    sum += value;
    second += value;
  }
  sums[j] = sum;
  if (second_sums != nullptr) second_sums[j] = second;
}

// Row dot: a warp per row.
constexpr int kDotRows = 8;

__global__ void __launch_bounds__(kDotRows * 32)
    row_dot_kernel(const float* __restrict__ values, const float* __restrict__ vector, float* __restrict__ products,
                   int32_t rows, int32_t columns) {
  const int32_t i = blockIdx.x * kDotRows + threadIdx.y;
  if (i >= rows) return;
  const float* row = values + int64_t{i} * columns;
  float sum = 0;
#pragma unroll 8
  for (int32_t j = threadIdx.x; j < columns; j += 32) sum = fmaf(row[j], vector[j], sum);
  for (int mask = 16; mask > 0; mask /= 2) sum += __shfl_xor_sync(0xFFFFFFFFU, sum, mask);
  if (threadIdx.x == 0) products[i] = sum;
}

}  // namespace

void transpose(const Device& device, const Transpose& args) {
  const ProfileRange range("transpose");
  launch(device, "transpose",
         {{blocks_for(args.columns, kTile), blocks_for(args.rows, kTile)}, {kTile, kTileRows}, kTileBytes},
         transpose_kernel, args.from.data, args.to.data, args.rows, args.columns, args.row_stride_of_to());
}

void gather_rows(const Device& device, const GatherRows& args) {
  const ProfileRange range("gather_rows");
  launch(device, "gather_rows", {blocks_for(args.count, kGatherRows), {32, kGatherRows}}, gather_rows_kernel,
         args.from.data, args.rows.data, args.to.data, args.count, args.columns);
}

void column_sum(const Device& device, const ColumnSum& args) {
  const ProfileRange range("column_sum");
  const unsigned blocks = blocks_for(args.rows, kColumnSumBlock), column_blocks = blocks_for(args.columns, kColumns);
  const float* scale = args.scale.empty() ? nullptr : args.scale.data;
  launch(device, "column_sum_blocks", {{blocks, column_blocks}, kColumns}, column_sum_blocks, args.values.data, scale,
         args.workspace.data, args.rows, args.columns);
  launch(device, "column_sum_total", {column_blocks, kColumns}, column_sum_total, args.workspace.data, args.sums.data,
         args.second_sums.empty() ? nullptr : args.second_sums.data, static_cast<int32_t>(blocks), args.columns);
}

void row_dot(const Device& device, const RowDot& args) {
  const ProfileRange range("row_dot");
  launch(device, "row_dot", {blocks_for(args.rows, kDotRows), {32, kDotRows}}, row_dot_kernel, args.values.data,
         args.vector.data, args.products.data, args.rows, args.columns);
}

}  // namespace notnot::cuda
