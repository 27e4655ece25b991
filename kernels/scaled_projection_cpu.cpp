#include "kernels/base/cpu.h"
#include "kernels/base/math.h"
#include "kernels/scaled_projection.h"

namespace notnot::NOTNOT_CPU_NAMESPACE {

void scaled_projection_forward(const Device& device, const ScaledProjectionForward& args) {
  const int32_t width = args.width;
  const float* bias = args.bias.data;
  const float* second_bias = args.second_bias.empty() ? nullptr : args.second_bias.data;
  const int64_t cost = args.activation == Activation::tanh ? int64_t{8} * width : width;
  parallel_for(device.threads, args.tokens, cost, [&](int32_t n) {
    const float scale = args.scale[n];
    const float* product = &args.products[int64_t{args.rows[n]} * width];
    float* value = &args.values[int64_t{n} * width];
    if (second_bias != nullptr) {
      NOTNOT_SIMD
      for (int32_t j = 0; j < width; ++j) value[j] = scale * product[j] + (bias[j] + second_bias[j]);
    } else {
      NOTNOT_SIMD
      for (int32_t j = 0; j < width; ++j) value[j] = scale * product[j] + bias[j];
    }
    if (args.activation == Activation::tanh) {
      NOTNOT_SIMD
      for (int32_t j = 0; j < width; ++j) value[j] = hyperbolic_tangent(value[j]);
    }
  });
}

void scaled_projection_backward(const Device& device, const ScaledProjectionBackward& args) {
  const int32_t width = args.width;
  parallel_for(device.threads, args.tokens, int64_t{2} * width, [&](int32_t n) {
    float* dvalue = &args.dvalues[int64_t{n} * width];
    if (args.activation == Activation::tanh) {
      const float* value = &args.values[int64_t{n} * width];
      NOTNOT_SIMD
      for (int32_t j = 0; j < width; ++j) dvalue[j] *= 1.0F - value[j] * value[j];
    }
    args.dscale[n] = dot(dvalue, &args.products[int64_t{args.rows[n]} * width], width);
  });
}

}  // namespace notnot::NOTNOT_CPU_NAMESPACE
