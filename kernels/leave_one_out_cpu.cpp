// Runs and directions are independent. A word is a tanh per unit of the attention's layer and three sums of products.
#include "kernels/base/cpu.h"
#include "kernels/leave_one_out_math.h"

namespace notnot::NOTNOT_CPU_NAMESPACE {
namespace {

/// v . tanh(own + other + b_a), in blocks of kBlock units.
float score_of(const LeaveOneOutSums& args, const KeptWord& word) {
  constexpr int32_t kBlock = 256;
  alignas(64) float activation[kBlock];
  float score = 0;
  for (int32_t first = 0; first < args.attention_width; first += kBlock) {
    const int32_t count = smaller(kBlock, args.attention_width - first);
    const float *own = word.projected + first, *other = word.text_projected + first;
    const float* bias = &args.attention_bias[first];
    NOTNOT_SIMD
    for (int32_t j = 0; j < count; ++j) activation[j] = hyperbolic_tangent(own[j] + other[j] + bias[j]);
    score += dot(activation, &args.attention_vector[first], count);
  }
  return score;
}

AttentionSums sums_of(const LeaveOneOutSums& args, int32_t sequence, int32_t direction) {
  const int32_t length = args.offsets[sequence + 1] - args.offsets[sequence], hidden = args.hidden;
  const float *own = &args.output_weight[direction * hidden], *other = &args.output_weight[(1 - direction) * hidden];
  AttentionSums sums;
  for (int32_t t = 0; t < length; ++t) {
    const KeptWord word = kept_word(args, sequence, direction, t);
    const float contribution = dot(word.state, own, hidden) + dot(word.text_state, other, hidden);
    add_word(sums, args.kind == AttentionKind::learned ? score_of(args, word) : 0.0F, contribution);
  }
  return sums;
}

}  // namespace

void leave_one_out_sums(const Device& device, const LeaveOneOutSums& args) {
  const int64_t words = args.tokens / args.sequences + 1;
  const int64_t cost = words * (4 * args.hidden + 10 * args.attention_width);
  parallel_for(device.threads, 2 * args.sequences, cost,
               [&](int32_t i) { args.sums[i] = sums_of(args, i / 2, i % 2); });
}

}  // namespace notnot::NOTNOT_CPU_NAMESPACE
