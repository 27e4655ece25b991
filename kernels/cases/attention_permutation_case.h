#pragma once
// The arrays of attention_permutation.
#include "kernels/attention_permutation.h"
#include "kernels/cases/device_data.h"

namespace notnot {

/// Texts side by side. The weights of a text need not sum to 1.
struct AttentionPermutationInputs {
  int32_t permutations = 100;  ///< P
  uint64_t seed = 1;
  uint32_t purpose = 0;
  std::vector<int32_t> offsets = {0};    ///< [B + 1]
  std::vector<uint32_t> keys;            ///< [B]
  std::vector<float> contributions;      ///< [N], of the first and last token of a text a value that must not count
  std::vector<float> log_attention;      ///< [N]
  std::vector<float> output_bias{0.3F};  ///< [1]

  int32_t sequences() const { return keys.size(); }
  int32_t tokens() const { return offsets.back(); }
  int32_t words(size_t text) const { return offsets[text + 1] - offsets[text] - 2; }
  void add(uint32_t key, const std::vector<float>& weights, const std::vector<float>& word_contributions);
  /// A text of random weights that sum to 1; its key is the seed, too.
  void add_random(uint32_t key, int32_t words);
};

struct AttentionPermutationCase {
  AttentionPermutationCase(const Device& device, const AttentionPermutationInputs& inputs);
  AttentionPermutation arguments() const;

  int32_t permutations, longest;
  uint64_t seed;
  uint32_t purpose;
  DeviceArray<int32_t> offsets;
  DeviceArray<uint32_t> keys;
  DeviceArray<float> contributions, output_bias, log_attention, change, median, workspace;
};

}  // namespace notnot
