#pragma once
// The arrays of attention_head_forward and attention_head_train.
#include "kernels/attention_head.h"
#include "kernels/cases/device_data.h"

namespace notnot {

struct AttentionHeadInputs {
  HostRagged batch;
  int32_t width = 0, attention_width = 0;  ///< D, A
  AttentionKind kind = AttentionKind::learned;
  Objective objective = Objective::classify;
  std::vector<float> hidden;                            ///< [padded_rows(N), D]
  std::vector<float> attention_weight;                  ///< [A, D]
  std::vector<float> attention_bias, attention_vector;  ///< [A]
  std::vector<float> output_weight, output_bias;        ///< [D], [1]
  std::vector<float> log_weights;       ///< [N] the given attention, or that of the adversary's base model
  std::vector<float> base_probability;  ///< [B]
  std::vector<int32_t> labels;          ///< [B]
  int32_t members = 1, member = 0;
  std::vector<float> group_log_attention;  ///< [members, N]; of several adversaries side by side
  float positive_weight = 1.75F, scale = 1.5F, lambda = 0.7F, tvd_factor = 0.5F;
};
AttentionHeadInputs random_attention_head_inputs(const HostRagged& batch, int32_t width, int32_t attention_width,
                                                 AttentionKind kind, Objective objective, uint64_t seed);
/// Makes the adversary one of several side by side. Its own row of the group's attention is NaN.
void put_side_by_side(AttentionHeadInputs& inputs, int32_t members, int32_t member, uint64_t seed);

/// Arrays that only learned attention or only an adversary has are empty for the others. Of dhidden, only the tokens'
/// rows are poisoned.
struct AttentionHeadCase {
  AttentionHeadCase(const Device& device, const AttentionHeadInputs& from);
  AttentionHeadForward forward() const;
  AttentionHeadTrain train() const;

  AttentionHeadInputs inputs;
  DeviceRagged batch;
  DeviceArray<float> hidden, attention_weight, attention_weight_transposed, attention_bias, attention_vector;
  DeviceArray<float> output_weight, output_bias, log_weights, base_probability, scale, group_log_attention;
  DeviceArray<int32_t> labels;
  DeviceArray<float> activation, log_attention, context, logit, probability;
  DeviceArray<float> loss, divergence, peer_divergence, dlogit, dscore, dhidden;
  DeviceArray<float> dattention_weight, dattention_bias, dattention_vector, doutput_weight, doutput_bias, workspace;
};

}  // namespace notnot
