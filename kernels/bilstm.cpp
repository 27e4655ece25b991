#include "kernels/bilstm.h"

#include "kernels/gemm.h"

namespace notnot {

void check_precision(const Device& device, Precision precision, int32_t hidden) {
  if (precision == Precision::fp32) return;
  NOTNOT_CHECK(device.backend == Backend::cuda, "bf16x3 is computed by CUDA devices only; use Precision::fp32");
  NOTNOT_CHECK(hidden == kBf16x3Hidden, "H = {}: bf16x3 is computed for H = {} only; use Precision::fp32", hidden,
               kBf16x3Hidden);
}

void add_recurrent_weight_gradient(const Device& device, const BiLstmBackward& args) {
  const int32_t h = args.hidden;
  NOTNOT_CHECK_SIZE(args.dweight_hh, int64_t{8} * h * h);
  for (int64_t direction = 0; direction < 2; ++direction) {
    const int64_t gates = direction * 4 * h, units = direction * h;
    weight_gradient(device, {.rows = args.batch.tokens,
                             .outputs = 4 * h,
                             .inputs = h,
                             .a_stride = 8 * h,
                             .b_stride = 2 * h,
                             .a = args.gates.subspan(gates, args.gates.size - gates),
                             .b = args.previous.subspan(units, args.previous.size - units),
                             .c = args.dweight_hh.subspan(gates * h, int64_t{4} * h * h)});
  }
}

}  // namespace notnot
