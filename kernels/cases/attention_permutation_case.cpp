#include "kernels/cases/attention_permutation_case.h"

#include <cmath>

namespace notnot {

void AttentionPermutationInputs::add(uint32_t key, const std::vector<float>& weights,
                                     const std::vector<float>& word_contributions) {
  constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity(), kMustNotCount = 9;
  keys.push_back(key);
  offsets.push_back(offsets.back() + weights.size() + 2);
  contributions.push_back(kMustNotCount);
  log_attention.push_back(kMinusInfinity);
  for (size_t n = 0; n < weights.size(); ++n) {
    contributions.push_back(word_contributions[n]);
    log_attention.push_back(std::log(weights[n]));
  }
  contributions.push_back(kMustNotCount);
  log_attention.push_back(kMinusInfinity);
}

void AttentionPermutationInputs::add_random(uint32_t key, int32_t words) {
  std::vector<float> weights = random_floats(words, key, 0.5F);
  float sum = 0;
  for (float& weight : weights) sum += weight += 0.501F;
  for (float& weight : weights) weight /= sum;
  add(key, weights, random_floats(words, key + 1, 3));
}

AttentionPermutationCase::AttentionPermutationCase(const Device& device, const AttentionPermutationInputs& inputs)
    : permutations(inputs.permutations),
      longest(longest_sequence(inputs.offsets)),
      seed(inputs.seed),
      purpose(inputs.purpose),
      offsets(device, inputs.offsets),
      keys(device, inputs.keys),
      contributions(device, inputs.contributions),
      output_bias(device, inputs.output_bias),
      log_attention(device, inputs.log_attention),
      change(device, int64_t{inputs.sequences()} * permutations),
      median(device, inputs.sequences()),
      workspace(device, attention_permutation_workspace(inputs.tokens())) {}

AttentionPermutation AttentionPermutationCase::arguments() const {
  return {.sequences = static_cast<int32_t>(keys.span().size),
          .tokens = static_cast<int32_t>(contributions.span().size),
          .longest = longest,
          .permutations = permutations,
          .seed = seed,
          .purpose = purpose,
          .offsets = offsets,
          .keys = keys,
          .contributions = contributions,
          .output_bias = output_bias,
          .log_attention = log_attention,
          .change = change,
          .median = median,
          .workspace = workspace};
}

}  // namespace notnot
