#include "kernels/attention_permutation.h"
#include "kernels/attention_permutation_math.h"
#include "kernels/base/cpu.h"
#include "kernels/base/math.h"

namespace notnot::NOTNOT_CPU_NAMESPACE {
namespace {

/// NaN where a value is NaN.
float median_of(const float* values, int32_t count) {
  float lower = __builtin_nanf(""), upper = lower;
  for (int32_t i = 0; i < count; ++i) {
    const int32_t rank = rank_of(values, count, i);
    if (rank == (count - 1) / 2) lower = values[i];
    if (rank == count / 2) upper = values[i];
  }
  return 0.5F * (lower + upper);
}

void permute(const AttentionPermutation& args, int32_t sequence) {
  const int32_t begin = args.offsets[sequence] + 1, words = args.offsets[sequence + 1] - begin - 1;
  float* weights = &args.workspace[attention_permutation_workspace(begin)];
  float* dealt = weights + words;
  NOTNOT_SIMD
  for (int32_t n = 0; n < words; ++n) weights[n] = attention_weight(args.log_attention[begin + n]);
  const auto probability_of = [&](const float* attention) {
    return sigmoid(args.output_bias[0] + dot(attention, &args.contributions[begin], words));
  };
  const float probability = probability_of(weights);
  float* change = &args.change[int64_t{sequence} * args.permutations];
  for (int32_t r = 0; r < args.permutations; ++r) {
    deal({args.seed, static_cast<uint32_t>(r), args.purpose, args.keys[sequence]}, weights, words, dealt, 1);
    change[r] = __builtin_fabsf(probability_of(dealt) - probability);
  }
  args.median[sequence] = median_of(change, args.permutations);
}

}  // namespace

void attention_permutation(const Device& device, const AttentionPermutation& args) {
  const int64_t cost = int64_t{2} * args.permutations * (args.tokens / args.sequences);
  parallel_for(device.threads, args.sequences, cost, [&](int32_t b) { permute(args, b); });
}

}  // namespace notnot::NOTNOT_CPU_NAMESPACE
