#pragma once
// The arrays of leave_one_out_sums.
#include "kernels/cases/device_data.h"
#include "kernels/leave_one_out.h"

namespace notnot {

/// All runs of some texts: those of N - 1 to 1 tokens of a text with N words.
struct LeaveOneOutInputs {
  int32_t hidden = 0, attention_width = 0, text_tokens = 0;
  std::vector<int32_t> offsets = {0};     ///< [S + 1]
  std::vector<int32_t> first_token{};     ///< [S, 2]
  std::vector<float> states{};            ///< [V, 2, H]
  std::vector<float> projected{};         ///< [2, padded_rows(V), A]
  std::vector<float> text_states{};       ///< [N, 2, H]
  std::vector<float> text_projected{};    ///< [2, padded_rows(N), A]
  std::vector<float> attention_bias{};    ///< [A]
  std::vector<float> attention_vector{};  ///< [A]
  std::vector<float> output_weight{};     ///< [2 H]
};
/// Random values for texts of these lengths, boundary tokens included.
LeaveOneOutInputs random_leave_one_out_inputs(const std::vector<int32_t>& lengths, int32_t hidden,
                                              int32_t attention_width, uint64_t seed);

struct LeaveOneOutCase {
  LeaveOneOutCase(const Device& device, const LeaveOneOutInputs& inputs);
  LeaveOneOutSums arguments() const;

  int32_t hidden, attention_width, text_tokens, tokens;
  DeviceArray<int32_t> offsets, first_token;
  DeviceArray<float> states, projected, text_states, text_projected, attention_bias, attention_vector, output_weight;
  DeviceArray<AttentionSums> sums;
};

}  // namespace notnot
