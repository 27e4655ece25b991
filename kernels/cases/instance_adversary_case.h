#pragma once
// The arrays of instance_adversary.
#include "kernels/cases/device_data.h"
#include "kernels/instance_adversary.h"

namespace notnot {

/// Texts side by side.
struct InstanceAdversaryInputs {
  int32_t adversaries = 5;                ///< K
  std::vector<AdamStepScalars> scalars;   ///< [steps]
  std::vector<int32_t> offsets = {0};     ///< [B + 1]
  std::vector<float> contributions;       ///< [N]
  std::vector<float> output_bias;         ///< [1]
  std::vector<float> base_log_attention;  ///< [N]
  std::vector<float> base_probability;    ///< [B]
  std::vector<float> starts;              ///< [K, N]

  int32_t sequences() const { return offsets.size() - 1; }
  int32_t tokens() const { return offsets.back(); }
};
/// Texts of so many words. The model's attention is random, and the probabilities follow from it; the starts are as far
/// apart as the protocol's.
InstanceAdversaryInputs random_instance_adversary_inputs(const std::vector<int32_t>& words, int32_t adversaries,
                                                         uint64_t seed);

struct InstanceAdversaryCase {
  InstanceAdversaryCase(const Device& device, const InstanceAdversaryInputs& inputs);
  InstanceAdversary arguments() const;

  int32_t adversaries, longest;
  DeviceArray<int32_t> offsets;
  DeviceArray<AdamStepScalars> scalars;
  DeviceArray<float> contributions, output_bias, base_log_attention, base_probability;
  DeviceArray<float> log_attention;  ///< holds the starts, then the result
  DeviceArray<float> probability, divergence, workspace;
};

}  // namespace notnot
