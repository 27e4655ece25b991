// One block per row: a thread takes every kTile-th column, so that a warp reads and writes consecutive addresses. In
// backward the threads' sums meet in shared memory and are added as a tree, always in the same order.
//
// Cost: forward moves 8 bytes per element, backward 12, so the floor is bytes / bandwidth (4.8 TB/s on an H200). For
// matrices of less than a megabyte the launch (2-3 us) takes longer. Backward's tree adds 7 barriers per row.
#include "kernels/base/launch.cuh"
#include "kernels/skeleton/scale_rows.h"
#include "kernels/skeleton/scale_rows_math.h"

namespace notnot::cuda {
namespace {

constexpr int kTile = 128;                              // columns that a block takes at once, one per thread
constexpr size_t kSharedBytes = sizeof(float) * kTile;  // a sum per thread
static_assert(kTile % 32 == 0 && kTile <= 1024, "whole warps, and no more than a block may have");
static_assert((kTile & (kTile - 1)) == 0, "the tree halves the number of sums");
static_assert(kSharedBytes == 512 && kSharedBytes <= 48 * 1024, "what every device has");

/// The sum of the threads' values, in thread 0. All threads of the block call it.
__device__ float sum_of_block(float value) {
  float* const sums = dynamic_shared<float>();
  const int own = threadIdx.x;
  sums[own] = value;
  for (int half = kTile / 2; half > 0; half /= 2) {
    __syncthreads();
    if (own < half) sums[own] += sums[own + half];
  }
  return sums[own];
}

__global__ void __launch_bounds__(kTile) forward_kernel(const ScaleRowsForward args) {
  const int64_t row = int64_t{blockIdx.x} * args.columns;
  const float scale = args.scale[blockIdx.x];
  for (int j = threadIdx.x; j < args.columns; j += kTile) {
    args.scaled[row + j] = scaled_value(args.values[row + j], scale);
  }
}

__global__ void __launch_bounds__(kTile) backward_kernel(const ScaleRowsBackward args) {
  const int64_t row = int64_t{blockIdx.x} * args.columns;
  const float scale = args.scale[blockIdx.x];
  float sum = 0;
  for (int j = threadIdx.x; j < args.columns; j += kTile) {
    const auto gradient = scale_gradient(args.values[row + j], scale, args.dscaled[row + j]);
    args.dvalues[row + j] = gradient.dvalue;
    sum += gradient.dscale;
  }
  sum = sum_of_block(sum);
  if (threadIdx.x == 0) args.dscale[blockIdx.x] += sum;
}

}  // namespace

void scale_rows_forward(const Device& device, const ScaleRowsForward& args) {
  const ProfileRange range("scale_rows_forward");
  launch(device, "scale_rows_forward", {dim3(args.rows), dim3(kTile)}, forward_kernel, args);
}

void scale_rows_backward(const Device& device, const ScaleRowsBackward& args) {
  const ProfileRange range("scale_rows_backward");
  launch(device, "scale_rows_backward", {dim3(args.rows), dim3(kTile), kSharedBytes}, backward_kernel, args);
}

}  // namespace notnot::cuda
