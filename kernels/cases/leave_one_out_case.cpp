#include "kernels/cases/leave_one_out_case.h"

namespace notnot {

LeaveOneOutInputs random_leave_one_out_inputs(const std::vector<int32_t>& lengths, int32_t hidden,
                                              int32_t attention_width, uint64_t seed) {
  LeaveOneOutInputs inputs{.hidden = hidden, .attention_width = attention_width};
  for (const int32_t length : lengths) {
    const int32_t begin = inputs.text_tokens, words = length - 2;
    for (int32_t run = words - 1; run > 0; --run) {
      inputs.first_token.insert(inputs.first_token.end(), {begin + words - run + 1, begin + 1});
      inputs.offsets.push_back(inputs.offsets.back() + run);
    }
    inputs.text_tokens += length;
  }
  const int64_t v = inputs.offsets.back(), n = inputs.text_tokens, h = hidden, a = attention_width;
  inputs.states = random_floats(v * 2 * h, seed);
  inputs.projected = random_floats(2 * padded_rows(v) * a, seed + 1);
  inputs.text_states = random_floats(n * 2 * h, seed + 2);
  inputs.text_projected = random_floats(2 * padded_rows(n) * a, seed + 3);
  inputs.attention_bias = random_floats(a, seed + 4);
  inputs.attention_vector = random_floats(a, seed + 5);
  inputs.output_weight = random_floats(2 * h, seed + 6);
  return inputs;
}

LeaveOneOutCase::LeaveOneOutCase(const Device& device, const LeaveOneOutInputs& inputs)
    : hidden(inputs.hidden),
      attention_width(inputs.attention_width),
      text_tokens(inputs.text_tokens),
      tokens(inputs.offsets.back()),
      offsets(device, inputs.offsets),
      first_token(device, inputs.first_token),
      states(device, inputs.states),
      projected(device, inputs.projected),
      text_states(device, inputs.text_states),
      text_projected(device, inputs.text_projected),
      attention_bias(device, inputs.attention_bias),
      attention_vector(device, inputs.attention_vector),
      output_weight(device, inputs.output_weight),
      sums(device, std::ssize(inputs.first_token)) {}

LeaveOneOutSums LeaveOneOutCase::arguments() const {
  return {.sequences = static_cast<int32_t>(offsets.span().size - 1),
          .tokens = tokens,
          .text_tokens = text_tokens,
          .hidden = hidden,
          .attention_width = attention_width,
          .offsets = offsets,
          .first_token = first_token,
          .states = states,
          .projected = projected,
          .text_projected = text_projected,
          .attention_bias = attention_bias,
          .attention_vector = attention_vector,
          .text_states = text_states,
          .output_weight = output_weight,
          .sums = sums};
}

}  // namespace notnot
