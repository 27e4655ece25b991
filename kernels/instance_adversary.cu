// One block takes one text through all steps, with a warp per adversary. A lane has every 32nd word of its adversary.
// So the sums of softmax, p and the gradient's mean lie within a warp, in an order that depends only on the text's
// length. Only the cross term needs the other adversaries: each warp reads their attention between two barriers.
//
// A step costs, per word and adversary, K + 1 logarithms and divisions, one exponential and one Adam update, some 250
// instructions; and per warp 20 shuffles of 30 clocks, one after the other. That is at least 1,000 clocks for up to 32
// words (counted, not measured). So 500 steps of a short text take about 0.3 ms, and a dozen texts share an SM. A
// thread per word for all adversaries would save half of the logarithms, but its sums would go over the block and not
// over a warp. The state lies in shared memory up to 48 KiB (384 words at K = 5). A longer text has it in the
// workspace, where it stays in the caches: there is a load or store for every ten instructions.
#include "kernels/base/launch.cuh"
#include "kernels/instance_adversary.h"
#include "kernels/instance_adversary_math.h"

namespace notnot::cuda {
namespace {

constexpr int kThreads = 32 * kMaxAdversaries;  // the largest block
constexpr int kBlocksPerSm = 4;                 // blocks of that size
constexpr int kRegisters = 64;                  // per thread; tests/scripts/kernel_budgets.py holds them to it
constexpr unsigned kFullWarp = 0xFFFFFFFFU;
constexpr int kSharedBytes = 48 * 1024;  // what every device has
static_assert(kSharedBytes == 49'152, "as in kernels/budgets.md");
static_assert(kBlocksPerSm * kThreads * kRegisters <= 64 * 1024, "the registers of an SM");

constexpr bool fits_shared(int adversaries, int words) {
  return instance_adversary_state(adversaries) * words <= kSharedBytes / static_cast<int>(sizeof(float));
}

/// The block's text as its warp's adversary sees it.
struct Instance {
  int begin, words, lane;
  float *contribution, *base, *attentions;  // of all adversaries: attentions [K, words]
  float *logs, *first_moment, *second_moment, *largest_second_moment, *attention, *slope;  // [words]

  __device__ explicit Instance(const InstanceAdversary& args)
      : begin(args.offsets[blockIdx.x] + 1),
        words(args.offsets[blockIdx.x + 1] - begin - 1),
        lane(static_cast<int>(threadIdx.x) % 32) {
    const int64_t before = begin - 1 + int64_t{kWordPadding} * blockIdx.x;
    contribution = fits_shared(args.adversaries, words)
                       ? dynamic_shared<float>()
                       : args.workspace.data + instance_adversary_state(args.adversaries) * before;
    base = contribution + words;
    attentions = base + words;
    const int k = static_cast<int>(threadIdx.x) / 32;
    attention = attentions + int64_t{k} * words;
    logs = attentions + int64_t{args.adversaries + 5 * k} * words;
    first_moment = logs + words;
    second_moment = first_moment + words;
    largest_second_moment = second_moment + words;
    slope = largest_second_moment + words;
  }
};

__device__ float sum_of_warp(float value) {
  for (int mask = 16; mask > 0; mask /= 2) value += __shfl_xor_sync(kFullWarp, value, mask);
  return value;
}

__device__ float largest_of_warp(float value) {
  for (int mask = 16; mask > 0; mask /= 2) {
    const float other = __shfl_xor_sync(kFullWarp, value, mask);
    value = other > value ? other : value;
  }
  return value;
}

__device__ void read_text(const InstanceAdversary& args, const Instance& text, int k) {
  for (int n = threadIdx.x; n < text.words; n += blockDim.x) {
    text.contribution[n] = args.contributions[text.begin + n];
    text.base[n] = attention_weight(args.base_log_attention[text.begin + n]);
  }
  const float* const logs = args.log_attention.data + int64_t{k} * args.tokens + text.begin;
  for (int n = text.lane; n < text.words; n += 32) {
    text.logs[n] = logs[n];
    text.first_moment[n] = text.second_moment[n] = text.largest_second_moment[n] = 0;
  }
  __syncthreads();
}

/// The warp's attention; returns the log of the sum of e^x.
__device__ float attend(const Instance& text) {
  float largest = -INFINITY, sum = 0;
  for (int n = text.lane; n < text.words; n += 32) largest = text.logs[n] > largest ? text.logs[n] : largest;
  largest = largest_of_warp(largest);
  for (int n = text.lane; n < text.words; n += 32) {
    text.attention[n] = attention_weight(text.logs[n] - largest);
    sum += text.attention[n];
  }
  sum = sum_of_warp(sum);
  const float factor = 1.0F / sum;
  for (int n = text.lane; n < text.words; n += 32) text.attention[n] *= factor;
  return largest + logarithm(sum);
}

__device__ float probability_of(const InstanceAdversary& args, const Instance& text) {
  float sum = 0;
  for (int n = text.lane; n < text.words; n += 32) sum = fmaf(text.attention[n], text.contribution[n], sum);
  return sigmoid(args.output_bias[0] + sum_of_warp(sum));
}

/// Softmax backward and one step of Adam for the warp's adversary, from the attention of all.
__device__ void step(const InstanceAdversary& args, const Instance& text, int k, const AdamStepScalars& scalars) {
  const SlopeWeights<float> weights(args.adversaries);
  const float dlogit =
      hinge_gradient(probability_of(args, text), args.base_probability[blockIdx.x], args.hinge, args.tolerance);
  float mean = 0;
  for (int n = text.lane; n < text.words; n += 32) {
    const float attention = text.attention[n];
    float slope = dlogit * text.contribution[n] - weights.own * entropy_slope(attention) +
                  weights.base * entropy_slope(0.5F * (attention + text.base[n]));
    for (int j = 0; j < args.adversaries; ++j) {
      if (j == k) continue;
      slope += weights.cross * entropy_slope(0.5F * (attention + text.attentions[int64_t{j} * text.words + n]));
    }
    text.slope[n] = slope;
    mean = fmaf(attention, slope, mean);
  }
  mean = sum_of_warp(mean);
  const AdamHyper hyper;
  for (int n = text.lane; n < text.words; n += 32) {
    AdamElement<float> element{text.logs[n], text.first_moment[n], text.second_moment[n],
                               text.largest_second_moment[n]};
    adam_update(element, text.attention[n] * (text.slope[n] - mean), hyper, scalars);
    text.logs[n] = element.parameter;
    text.first_moment[n] = element.first_moment;
    text.second_moment[n] = element.second_moment;
    text.largest_second_moment[n] = element.largest_second_moment;
  }
}

__device__ void finish(const InstanceAdversary& args, const Instance& text, int k) {
  const float log_sum = attend(text);
  const float probability = probability_of(args, text);
  float* const result = args.log_attention.data + int64_t{k} * args.tokens + text.begin;
  float divergence = 0;
  for (int n = text.lane; n < text.words; n += 32) {
    result[n] = text.logs[n] - log_sum;
    divergence += divergence_term(text.attention[n], text.base[n]);
  }
  divergence = sum_of_warp(divergence);
  if (text.lane != 0) return;
  result[-1] = result[text.words] = -INFINITY;
  args.probability[int64_t{k} * args.sequences + blockIdx.x] = probability;
  args.divergence[int64_t{k} * args.sequences + blockIdx.x] = divergence;
}

__global__ void __launch_bounds__(kThreads, kBlocksPerSm) adversary_kernel(const InstanceAdversary args) {
  const Instance text(args);
  const int k = static_cast<int>(threadIdx.x) / 32;
  read_text(args, text, k);
  for (int t = 0; t < args.steps; ++t) {
    attend(text);
    __syncthreads();
    step(args, text, k, args.scalars[t]);
    __syncthreads();  // the other warps have read this one's attention
  }
  finish(args, text, k);
}

}  // namespace

void instance_adversary(const Device& device, const InstanceAdversary& args) {
  const ProfileRange range("instance_adversary");
  const int64_t bytes = instance_adversary_state(args.adversaries) * (args.longest - 2) * sizeof(float);
  launch(
      device, "instance_adversary",
      {dim3(args.sequences), dim3(32 * args.adversaries), static_cast<size_t>(std::min<int64_t>(bytes, kSharedBytes))},
      adversary_kernel, args);
}

}  // namespace notnot::cuda
