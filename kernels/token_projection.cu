// GEMM and one elementwise kernel; backward, a segmented sum over each id's occurrences, then GEMMs.
//
// Cost: the GEMMs dominate (forward 2 U E P flop, backward twice that). The segmented sum reads dvalues once: N P
// floats, 26 MB at N = 6400, P = 1024, about 6 us on an H200. It stays one thread per element, in ascending order of
// the occurrences, because any other order would change bits; the worst case is the most frequent id of a batch (a few
// hundred occurrences), whose loads are unrolled so that they overlap.
#include "kernels/base/launch.cuh"
#include "kernels/base/math.h"
#include "kernels/token_projection.h"

namespace notnot::cuda {
namespace {

constexpr int kColumns = 128;

__global__ void __launch_bounds__(kColumns)
    add_bias_and_activate(float* __restrict__ table, const float* __restrict__ bias,
                          const float* __restrict__ second_bias, int32_t width, bool activate) {
  const auto j = static_cast<int32_t>(blockIdx.y * kColumns + threadIdx.x);
  if (j >= width) return;
  const float sum = bias[j] + (second_bias == nullptr ? 0.0F : second_bias[j]);
  float& value = table[int64_t{blockIdx.x} * width + j];
  value = activate ? hyperbolic_tangent(value + sum) : value + sum;
}

__global__ void __launch_bounds__(kColumns)
    sum_occurrences(const float* __restrict__ dvalues, const int32_t* __restrict__ offsets,
                    const int32_t* __restrict__ occurrences, const float* __restrict__ table,
                    float* __restrict__ dtable, int32_t width, bool activated) {
  const auto j = static_cast<int32_t>(blockIdx.y * kColumns + threadIdx.x);
  if (j >= width) return;
  const int32_t begin = offsets[blockIdx.x], end = offsets[blockIdx.x + 1];
  const int64_t element = int64_t{blockIdx.x} * width + j;
  float sum = 0;
#pragma unroll 8
  for (int32_t k = begin; k < end; ++k) sum += dvalues[int64_t{occurrences[k]} * width + j];
  dtable[element] = activated ? sum * (1.0F - table[element] * table[element]) : sum;
}

}  // namespace

void token_projection_forward(const Device& device, const TokenProjectionForward& args) {
  const ProfileRange range("token_projection_forward");
  const int32_t width = args.width;
  cuda::matmul(device, {.rows = args.count,
                        .inner = args.embed,
                        .columns = width,
                        .b_stride = weight_stride(width),
                        .a = args.rows,
                        .b = args.weight_transposed,
                        .c = args.table});
  launch(device, "add_bias_and_activate", {{static_cast<unsigned>(args.count), blocks_for(width, kColumns)}, kColumns},
         add_bias_and_activate, args.table.data, args.bias.data,
         args.second_bias.empty() ? nullptr : args.second_bias.data, width, args.activation == Activation::tanh);
}

void token_projection_backward(const Device& device, const TokenProjectionBackward& args) {
  const ProfileRange range("token_projection_backward");
  const int32_t unique = args.batch.unique, width = args.width;
  launch(device, "sum_occurrences", {{static_cast<unsigned>(unique), blocks_for(width, kColumns)}, kColumns},
         sum_occurrences, args.dvalues.data, args.batch.occurrence_offsets.data, args.batch.occurrences.data,
         args.table.data, args.dtable.data, width, args.activation == Activation::tanh);
  cuda::weight_gradient(device, {.rows = unique,
                                 .outputs = width,
                                 .inputs = args.embed,
                                 .a_stride = width,
                                 .b_stride = args.embed,
                                 .a = args.dtable,
                                 .b = args.rows,
                                 .c = args.dweight});
  cuda::column_sum(device, {.rows = unique,
                            .columns = width,
                            .values = args.dtable,
                            .scale = {},
                            .sums = args.dbias,
                            .second_sums = args.second_dbias,
                            .workspace = args.workspace});
  cuda::matmul(
      device,
      {.rows = unique, .inner = width, .columns = args.embed, .a = args.dtable, .b = args.weight, .c = args.drows});
}

}  // namespace notnot::cuda
