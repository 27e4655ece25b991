#include "kernels/bilstm.h"

namespace notnot {

std::string_view to_string(Precision precision) { return precision == Precision::fp32 ? "fp32" : "bf16x3"; }

void check_precision(const Device& device, Precision precision, int32_t hidden) {
  if (precision == Precision::fp32) return;
  NOTNOT_CHECK(device.backend == Backend::cuda, "bf16x3 is computed by CUDA devices only; use Precision::fp32");
  NOTNOT_CHECK(hidden == kBf16x3Hidden, "H = {}: bf16x3 is computed for H = {} only; use Precision::fp32", hidden,
               kBf16x3Hidden);
}

}  // namespace notnot
