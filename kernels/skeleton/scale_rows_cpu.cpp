// Rows are independent, so threads share them out. Forward moves 8 bytes per element, backward 12: memory bounds both.
#include "kernels/base/cpu.h"
#include "kernels/skeleton/scale_rows.h"
#include "kernels/skeleton/scale_rows_math.h"

namespace notnot::NOTNOT_CPU_NAMESPACE {

void scale_rows_forward(const Device& device, const ScaleRowsForward& args) {
  parallel_for(device.threads, args.rows, args.columns, [&](int32_t i) {
    const float* values = &args.values[int64_t{i} * args.columns];
    float* scaled = &args.scaled[int64_t{i} * args.columns];
    const float scale = args.scale[i];
    NOTNOT_SIMD
    for (int32_t j = 0; j < args.columns; ++j) scaled[j] = scaled_value(values[j], scale);
  });
}

void scale_rows_backward(const Device& device, const ScaleRowsBackward& args) {
  parallel_for(device.threads, args.rows, args.columns, [&](int32_t i) {
    const float* values = &args.values[int64_t{i} * args.columns];
    const float* dscaled = &args.dscaled[int64_t{i} * args.columns];
    float* dvalues = &args.dvalues[int64_t{i} * args.columns];
    const float scale = args.scale[i];
    NOTNOT_SIMD
    for (int32_t j = 0; j < args.columns; ++j) dvalues[j] = scale_gradient(values[j], scale, dscaled[j]).dvalue;
    args.dscale[i] += dot(values, dscaled, args.columns);  // the sum of dscale, in an order that cpu.h fixes
  });
}

}  // namespace notnot::NOTNOT_CPU_NAMESPACE
