// Jain & Wallace's perturbations of the attention.
#include <cmath>

#include "bench/kernel_sizes.h"
#include "kernels/attention_permutation.h"
#include "kernels/instance_adversary.h"

namespace notnot::bench {
namespace {

// Clocks per step of kernels/instance_adversary.cu on up to 32 words.
constexpr double kAdversaryClocks = 1000;

constexpr int32_t kAdversaries = 5, kAdversarySteps = 20, kPermutations = 100;

/// Texts as one number per word, with uniform attention.
struct Contributions {
  Contributions(const Device& device, const Sizes& sizes)
      : s(sizes),
        offsets(device, s.batch.ragged.offsets),
        contributions(device, random_floats(s.batch.n, 2)),
        bias(device, std::vector<float>{0.1F}),
        log_attention(device, uniform(s.batch.ragged)) {}
  static std::vector<float> uniform(const HostRagged& batch) {
    std::vector<float> logs;
    for (int32_t b = 0; b < batch.sequences(); ++b) {
      const auto length = batch.offsets[static_cast<size_t>(b) + 1] - batch.offsets[static_cast<size_t>(b)];
      logs.insert(logs.end(), static_cast<size_t>(length), -std::log(static_cast<float>(length - 2)));
    }
    return logs;
  }
  int32_t b() const { return static_cast<int32_t>(s.batch.b); }
  int32_t n() const { return static_cast<int32_t>(s.batch.n); }
  const Sizes& s;
  DeviceArray<int32_t> offsets;
  Array contributions, bias, log_attention;
};

struct Permute : Contributions {
  Permute(const Device& device, const Sizes& sizes)
      : Contributions(device, sizes),
        keys(device, std::vector<uint32_t>(s.batch.ragged.offsets.begin(), s.batch.ragged.offsets.end())),
        shares(device, random_floats(s.batch.n, 3)),
        change(device, s.batch.b * kPermutations),
        median(device, s.batch.b),
        workspace(device, attention_permutation_workspace(s.batch.n)) {}
  void launch(const Device& device) {
    attention_permutation(device, {.sequences = b(),
                                   .tokens = n(),
                                   .longest = s.batch.ragged.longest,
                                   .permutations = kPermutations,
                                   .seed = 1,
                                   .offsets = offsets,
                                   .keys = keys,
                                   .contributions = contributions,
                                   .output_bias = bias,
                                   .log_attention = shares,
                                   .change = change,
                                   .median = median,
                                   .workspace = workspace});
  }
  std::vector<float> result() { return change.host(); }
  DeviceArray<uint32_t> keys;
  Array shares, change, median, workspace;
};

struct Attack : Contributions {
  Attack(const Device& device, const Sizes& sizes)
      : Contributions(device, sizes),
        starts(random_floats(kAdversaries * s.batch.n, 3, 6)),
        scalars(device, step_scalars(0.01, kAdversarySteps)),
        base_probability(device, std::vector<float>(static_cast<size_t>(s.batch.b), 0.5F)),
        logs(device, starts),
        probability(device, kAdversaries * s.batch.b),
        divergence(device, kAdversaries * s.batch.b),
        workspace(device, instance_adversary_workspace(kAdversaries, s.batch.b, s.batch.n)) {}
  void launch(const Device& device) {
    instance_adversary(device, {.sequences = b(),
                                .tokens = n(),
                                .longest = s.batch.ragged.longest,
                                .adversaries = kAdversaries,
                                .steps = kAdversarySteps,
                                .offsets = offsets,
                                .scalars = scalars,
                                .contributions = contributions,
                                .output_bias = bias,
                                .base_log_attention = log_attention,
                                .base_probability = base_probability,
                                .log_attention = logs,
                                .probability = probability,
                                .divergence = divergence,
                                .workspace = workspace});
  }
  /// The operation turns its starts into its result.
  void reset(const Device& device) {
    copy_to_device(device, logs.span().data, starts.data(), starts.size() * sizeof(float));
  }
  std::vector<float> result() { return probability.host(); }
  std::vector<float> starts;
  DeviceArray<AdamStepScalars> scalars;
  Array base_probability, logs, probability, divergence, workspace;
};

}  // namespace

void add_perturbation_cases(std::vector<KernelCase>& cases, const SizesPointer& s) {
  const auto n = static_cast<double>(s->batch.n), b = static_cast<double>(s->batch.b);
  cases.push_back({.name = fmt::format("attention_permutation, {} times", kPermutations),
                   .shape = fmt::format("{} B={}", s->tokens(), s->batch.b),
                   .flop = 2 * kPermutations * n,
                   .bytes = floats(2 * n + kPermutations * b),
                   .tolerance = kSumTolerance,
                   .prepare = preparing<Permute>(s)});
  // Softmax, p and the gradient's mean: three sums of products over the words.
  cases.push_back({.name = fmt::format("instance_adversary, {} steps", kAdversarySteps),
                   .shape = fmt::format("{} B={} K={}", s->tokens(), s->batch.b, kAdversaries),
                   .flop = 2.0 * 3 * kAdversarySteps * kAdversaries * n,
                   .bytes = floats((2 + 2 * kAdversaries) * n),
                   .clocks = kAdversarySteps * kAdversaryClocks,
                   .tolerance = kSumTolerance,
                   .prepare = preparing<Attack>(s)});
}

}  // namespace notnot::bench
