// Forward: a matrix product and one elementwise kernel. Backward: a sum over each id's occurrences, then matrix
// products.
//
// Cost: the products dominate (forward 2 U E P flop, backward twice that). The sum reads dvalues once: N P floats, 26
// MB at N = 6400, P = 1024, about 6 us on an H200. One thread sums one element, in ascending order of the occurrences,
// because any other order would change bits. The worst case is the most frequent id of a batch (a few hundred
// occurrences): its loads are unrolled, so that they overlap.
#include "kernels/base/launch.cuh"
#include "kernels/base/math.h"
#include "kernels/token_projection.h"

namespace notnot::cuda {
namespace {

constexpr int kColumns = 128;

__global__ void __launch_bounds__(kColumns)
    add_bias_and_activate(float* __restrict__ table, const float* __restrict__ bias,
                          const float* __restrict__ second_bias, int32_t width, bool activate) {
  const int32_t j = blockIdx.y * kColumns + threadIdx.x;
  if (j >= width) return;
  const float sum = bias[j] + (second_bias == nullptr ? 0.0F : second_bias[j]);
  float& value = table[int64_t{blockIdx.x} * width + j];
  value = activate ? hyperbolic_tangent(value + sum) : value + sum;
}

__global__ void __launch_bounds__(kColumns)
    sum_occurrences(const float* __restrict__ dvalues, const int32_t* __restrict__ offsets,
                    const int32_t* __restrict__ occurrences, const float* __restrict__ table,
                    float* __restrict__ dtable, int32_t width, bool activated) {
  const int32_t j = blockIdx.y * kColumns + threadIdx.x;
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
  multiply_rows(device, args);
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
}

}  // namespace notnot::cuda
