#include "kernels/cases/instance_adversary_case.h"

#include <cmath>

#include "kernels/base/math.h"

namespace notnot {

InstanceAdversaryInputs random_instance_adversary_inputs(const std::vector<int32_t>& words, int32_t adversaries,
                                                         uint64_t seed) {
  InstanceAdversaryInputs inputs;
  inputs.adversaries = adversaries;
  for (const int32_t count : words) inputs.offsets.push_back(inputs.offsets.back() + count + 2);
  inputs.contributions = random_floats(inputs.tokens(), seed, 2);
  inputs.output_bias = {0.3F};
  inputs.base_log_attention = random_log_attention(inputs.offsets, seed + 1);
  inputs.starts = random_floats(int64_t{adversaries} * inputs.tokens(), seed + 2, 6);
  for (size_t b = 0; b < words.size(); ++b) {
    const auto begin = static_cast<size_t>(inputs.offsets[b]), end = static_cast<size_t>(inputs.offsets[b + 1]);
    double logit = inputs.output_bias[0];
    for (size_t n = begin + 1; n < end - 1; ++n) {
      logit += std::exp(double{inputs.base_log_attention[n]}) * inputs.contributions[n];
    }
    inputs.base_probability.push_back(static_cast<float>(sigmoid(logit)));
  }
  return inputs;
}

InstanceAdversaryCase::InstanceAdversaryCase(const Device& device, const InstanceAdversaryInputs& inputs)
    : adversaries(inputs.adversaries),
      longest(longest_sequence(inputs.offsets)),
      offsets(device, inputs.offsets),
      scalars(device, inputs.scalars),
      contributions(device, inputs.contributions),
      output_bias(device, inputs.output_bias),
      base_log_attention(device, inputs.base_log_attention),
      base_probability(device, inputs.base_probability),
      log_attention(device, inputs.starts),
      probability(device, int64_t{adversaries} * inputs.sequences()),
      divergence(device, int64_t{adversaries} * inputs.sequences()),
      workspace(device, instance_adversary_workspace(adversaries, inputs.sequences(), inputs.tokens())) {}

InstanceAdversary InstanceAdversaryCase::arguments() const {
  return {.sequences = static_cast<int32_t>(base_probability.span().size),
          .tokens = static_cast<int32_t>(contributions.span().size),
          .longest = longest,
          .adversaries = adversaries,
          .steps = static_cast<int32_t>(scalars.span().size),
          .offsets = offsets,
          .scalars = scalars,
          .contributions = contributions,
          .output_bias = output_bias,
          .base_log_attention = base_log_attention,
          .base_probability = base_probability,
          .log_attention = log_attention,
          .probability = probability,
          .divergence = divergence,
          .workspace = workspace};
}

}  // namespace notnot
