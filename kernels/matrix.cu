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

// Column sums: a warp's lanes have a column each of kSumColumns, and each warp of the block sums another block of rows;
// then the first warp adds what the warps have, in order. Loads are unrolled, so that they are in flight together.
constexpr int kSumColumns = 32, kSumWarps = 16;
constexpr size_t kSumBytes = sizeof(float) * kSumColumns * kSumWarps;
static_assert(kSumBytes == 2'048, "as in kernels/budgets.md");

/// The sum of the rows of one block at column j.
__device__ __forceinline__ float block_sum(const ColumnSum& part, int32_t j, int32_t begin) {
  const int32_t end = min(begin + kColumnSumBlock, part.rows);
  float sum = 0;
#pragma unroll 8
  for (int32_t i = begin; i < end; ++i) {
    const float value = part.values.data[int64_t{i} * part.columns + j];
    sum += part.scale.empty() ? value : part.scale.data[i] * value;
  }
  return sum;
}

__device__ void sum_columns(const ColumnSum& part, int32_t j) {
  float* const of_block = dynamic_shared<float>();  // [kSumWarps][kSumColumns]
  const auto lane = static_cast<int32_t>(threadIdx.x), warp = static_cast<int32_t>(threadIdx.y);
  const bool adds = warp == 0 && j < part.columns;
  float sum = adds ? part.sums.data[j] : 0, second = adds && !part.second_sums.empty() ? part.second_sums.data[j] : 0;
  for (int32_t first = 0; first < part.rows; first += kSumWarps * kColumnSumBlock) {
    const int32_t begin = first + warp * kColumnSumBlock;
    if (j < part.columns && begin < part.rows) of_block[warp * kSumColumns + lane] = block_sum(part, j, begin);
    __syncthreads();
    for (int32_t w = 0; adds && w < kSumWarps && first + w * kColumnSumBlock < part.rows; ++w) {
      sum += of_block[w * kSumColumns + lane];
      second += of_block[w * kSumColumns + lane];
    }
    __syncthreads();
  }
  if (!adds) return;
  part.sums.data[j] = sum;
  if (!part.second_sums.empty()) part.second_sums.data[j] = second;
}

/// Blocks in the order of the parts, a part without rows has none.
__global__ void __launch_bounds__(kSumColumns* kSumWarps) column_sums_kernel(const ColumnSums args) {
  auto block = static_cast<int32_t>(blockIdx.x);
#pragma unroll
  for (const ColumnSum& part : args.parts) {
    const int32_t blocks = (part.columns + kSumColumns - 1) / kSumColumns;
    if (block >= 0 && block < blocks) sum_columns(part, block * kSumColumns + static_cast<int32_t>(threadIdx.x));
    block -= blocks;
  }
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

// Row norm: a warp per row. A row of 300 takes ten additions of fp64 and five more across the warp.
__global__ void __launch_bounds__(kDotRows * 32)
    row_norm_kernel(const float* __restrict__ values, float* __restrict__ norms, int32_t rows, int32_t columns) {
  const int32_t i = blockIdx.x * kDotRows + threadIdx.y;
  if (i >= rows) return;
  const float* row = values + int64_t{i} * columns;
  double squares = 0;
#pragma unroll 8
  for (int32_t j = threadIdx.x; j < columns; j += 32) {
    const double value = row[j];
    squares = fma(value, value, squares);
  }
  for (int mask = 16; mask > 0; mask /= 2) squares += __shfl_xor_sync(0xFFFFFFFFU, squares, mask);
  if (threadIdx.x == 0) norms[i] = static_cast<float>(sqrt(squares));
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

void column_sums(const Device& device, const ColumnSums& args) {
  const ProfileRange range("column_sums");
  unsigned blocks = 0;
  for (const ColumnSum& part : args.parts) blocks += blocks_for(part.columns, kSumColumns);
  launch(device, "column_sums", {blocks, {kSumColumns, kSumWarps}, kSumBytes}, column_sums_kernel, args);
}

void row_dot(const Device& device, const RowDot& args) {
  const ProfileRange range("row_dot");
  launch(device, "row_dot", {blocks_for(args.rows, kDotRows), {32, kDotRows}}, row_dot_kernel, args.values.data,
         args.vector.data, args.products.data, args.rows, args.columns);
}

void row_norm(const Device& device, const RowNorm& args) {
  const ProfileRange range("row_norm");
  launch(device, "row_norm", {blocks_for(args.rows, kDotRows), {32, kDotRows}}, row_norm_kernel, args.values.data,
         args.norms.data, args.rows, args.columns);
}

}  // namespace notnot::cuda
