#include "kernels/base/cpu.h"
#include "kernels/base/math.h"
#include "kernels/token_projection.h"

namespace notnot::NOTNOT_CPU_NAMESPACE {
namespace {

void add_bias_and_activate(const Device& device, const TokenProjectionForward& args) {
  const int32_t width = args.width;
  const float* bias = args.bias.data;
  const float* second_bias = args.second_bias.empty() ? nullptr : args.second_bias.data;
  const int64_t cost = args.activation == Activation::tanh ? int64_t{8} * width : width;
  parallel_for(device.threads, args.count, cost, [&](int32_t u) {
    float* row = &args.table[int64_t{u} * width];
    if (second_bias != nullptr) {
      NOTNOT_SIMD
      for (int32_t j = 0; j < width; ++j) row[j] += bias[j] + second_bias[j];
    } else {
      NOTNOT_SIMD
      for (int32_t j = 0; j < width; ++j) row[j] += bias[j];
    }
    if (args.activation == Activation::tanh) {
      NOTNOT_SIMD
      for (int32_t j = 0; j < width; ++j) row[j] = hyperbolic_tangent(row[j]);
    }
  });
}

/// dtable[u] = sum of dvalues over u's occurrences, in ascending order, times the activation's derivative.
void sum_occurrences(const Device& device, const TokenProjectionBackward& args) {
  const int32_t width = args.width;
  parallel_for(device.threads, args.batch.unique, width, [&](int32_t u) {
    float* sum = &args.dtable[int64_t{u} * width];
    const int32_t begin = args.batch.occurrence_offsets[u], end = args.batch.occurrence_offsets[u + 1];
    if (begin == end) {  // slack
      __builtin_memset(sum, 0, width * sizeof(float));
      return;
    }
    __builtin_memcpy(sum, &args.dvalues[int64_t{args.batch.occurrences[begin]} * width], width * sizeof(float));
    for (int32_t k = begin + 1; k < end; ++k) {
      const float* value = &args.dvalues[int64_t{args.batch.occurrences[k]} * width];
      NOTNOT_SIMD
      for (int32_t j = 0; j < width; ++j) sum[j] += value[j];
    }
    if (args.activation == Activation::tanh) {
      const float* output = &args.table[int64_t{u} * width];
      NOTNOT_SIMD
      for (int32_t j = 0; j < width; ++j) sum[j] *= 1.0F - output[j] * output[j];
    }
  });
}

}  // namespace

void token_projection_forward(const Device& device, const TokenProjectionForward& args) {
  multiply_rows(device, args);
  add_bias_and_activate(device, args);
}

void token_projection_backward(const Device& device, const TokenProjectionBackward& args) {
  sum_occurrences(device, args);
}

}  // namespace notnot::NOTNOT_CPU_NAMESPACE
