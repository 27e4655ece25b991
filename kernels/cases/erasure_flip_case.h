#pragma once
// The arrays of erasure_flip.
#include "kernels/cases/device_data.h"
#include "kernels/erasure_flip.h"

namespace notnot {

/// Texts side by side, with boundary tokens as in RaggedBatch.
struct ErasureFlipInputs {
  std::vector<int32_t> offsets = {0};  ///< [B + 1]
  std::vector<float> contributions{};  ///< [N]
  std::vector<float> log_attention{};  ///< [N]
  std::vector<float> output_bias{0};   ///< [1]
  std::vector<float> scores{};         ///< [G, N]

  int32_t sequences() const { return offsets.size() - 1; }
  int32_t tokens() const { return offsets.back(); }
  int32_t given() const { return static_cast<int32_t>(scores.size()) / tokens(); }
};

struct ErasureFlipCase {
  ErasureFlipCase(const Device& device, const ErasureFlipInputs& inputs);
  ErasureFlip arguments() const;

  int32_t longest, given;
  DeviceArray<int32_t> offsets;
  DeviceArray<float> contributions, output_bias, log_attention, scores;
  DeviceArray<double> logit;
  DeviceArray<int32_t> order, size;
  DeviceArray<float> margin;
  DeviceArray<double> terms;
  DeviceArray<int32_t> scratch;
};

}  // namespace notnot
