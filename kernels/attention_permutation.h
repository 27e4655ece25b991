#pragma once
// The permutation test of Jain & Wallace (2019, section 4.2.1; paper section 4): P times, a text's attention weights
// are dealt out to its words at random, while the hidden states stay. With a word's contribution w . h_n,
//   p_r = sigmoid(b + sum_n alpha_{r(n)} (w . h_n)),  change_r = |p_r - p|,
// and the result is the median over the P arrangements r. Every arrangement is equally likely (inside-out
// Fisher-Yates), and depends only on (seed, purpose, key of the text, number of the permutation), on every device.
#include "kernels/base/operation.h"

namespace notnot {

/// Permutations that CUDA makes at a time, one per thread.
inline constexpr int32_t kPermutationTile = 128;
/// Floats per token: its weight, and for each thread of a CUDA block the weight that this thread dealt it.
constexpr int64_t attention_permutation_workspace(int64_t tokens) { return (1 + int64_t{kPermutationTile}) * tokens; }

struct AttentionPermutation {
  int32_t sequences = 0;     ///< B
  int32_t tokens = 0;        ///< N
  int32_t longest = 0;       ///< tokens of the longest sequence
  int32_t permutations = 0;  ///< P
  uint64_t seed = 0;
  uint32_t purpose = 0;             ///< sets these random numbers apart from others of the same seed
  Span<const int32_t> offsets;      ///< [B + 1] as in RaggedBatch, but sequences may stand in any order of length
  Span<const uint32_t> keys;        ///< [B] a number for every text, the same in every batch
  Span<const float> contributions;  ///< [N] w . h_n
  Span<const float> output_bias;    ///< [1] b
  Span<const float> log_attention;  ///< [N] log alpha
  Span<float> change;               ///< out [B, P] |p_r - p|; exactly 0 where the arrangement is the given one
  Span<float> median;               ///< out [B] of `change`; for an even P the mean of the two in the middle
  Span<float> workspace;            ///< [attention_permutation_workspace(N)]

  void check() const {
    NOTNOT_CHECK(sequences > 0 && tokens >= 3 * sequences && longest <= tokens && permutations > 0,
                 "{} sequences, {} tokens, longest {}, {} permutations", sequences, tokens, longest, permutations);
    NOTNOT_CHECK_SIZE(offsets, sequences + 1);
    NOTNOT_CHECK_SIZE(keys, sequences);
    NOTNOT_CHECK_SIZE(contributions, tokens);
    NOTNOT_CHECK_SIZE(output_bias, 1);
    NOTNOT_CHECK_SIZE(log_attention, tokens);
    NOTNOT_CHECK_SIZE(change, int64_t{sequences} * permutations);
    NOTNOT_CHECK_SIZE(median, sequences);
    NOTNOT_CHECK_SIZE(workspace, attention_permutation_workspace(tokens));
  }
};
NOTNOT_OPERATION(attention_permutation, AttentionPermutation)

}  // namespace notnot
