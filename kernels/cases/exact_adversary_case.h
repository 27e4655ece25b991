#pragma once
// The arrays of exact_adversary.
#include "kernels/cases/device_data.h"
#include "kernels/exact_adversary.h"

namespace notnot {

/// Texts side by side.
struct ExactAdversaryInputs {
  std::vector<double> epsilons = {0.001, 0.005, 0.01, 0.05, 0.1};
  bool all_pairs = false;
  std::vector<int32_t> offsets = {0};    ///< [B + 1]
  std::vector<float> contributions{};    ///< [N], NaN at the first and last token of a text, which must not count
  std::vector<float> log_attention{};    ///< [N]
  std::vector<float> output_bias{0.3F};  ///< [1]

  int32_t sequences() const { return offsets.size() - 1; }
  int32_t tokens() const { return offsets.back(); }
  int32_t words(size_t text) const { return offsets[text + 1] - offsets[text] - 2; }
  /// The scores become log-attention by a softmax in double.
  void add(const std::vector<double>& scores, const std::vector<double>& word_contributions);
  /// Scores and contributions are uniform, up to 2 and 3 on either side of 0.
  void add_random(uint64_t seed, int32_t words);
};

struct ExactAdversaryCase {
  ExactAdversaryCase(const Device& device, const ExactAdversaryInputs& inputs);
  ExactAdversary arguments() const;

  bool all_pairs;
  int32_t longest;
  DeviceArray<int32_t> offsets;
  DeviceArray<double> epsilons;
  DeviceArray<float> contributions, output_bias, log_attention;
  DeviceArray<ExactOptimum> optima;
  DeviceArray<double> scores;
  DeviceArray<int32_t> order;
  DeviceArray<AdversaryRecord> records;
};

}  // namespace notnot
