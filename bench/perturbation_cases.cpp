// Jain & Wallace's perturbations of the attention.
#include "bench/kernel_sizes.h"
#include "kernels/cases/adam_case.h"
#include "kernels/cases/attention_permutation_case.h"
#include "kernels/cases/instance_adversary_case.h"

namespace notnot::bench {
namespace {

// Clocks per step of kernels/instance_adversary.cu on up to 32 words.
constexpr double kAdversaryClocks = 1000;

constexpr int32_t kAdversaries = 5, kAdversarySteps = 20, kPermutations = 100;

AttentionPermutationInputs permutation_inputs(const Sizes& s) {
  AttentionPermutationInputs inputs;
  inputs.permutations = kPermutations;
  for (uint32_t b = 0; const int32_t length : s.lengths) inputs.add_random(++b, length - 2);
  return inputs;
}

InstanceAdversaryInputs adversary_inputs(const Sizes& s) {
  std::vector<int32_t> words;
  for (const int32_t length : s.lengths) words.push_back(length - 2);
  InstanceAdversaryInputs inputs = random_instance_adversary_inputs(words, kAdversaries, 2);
  inputs.scalars = adam_scalars(0.01, kAdversarySteps);
  return inputs;
}

struct Permute : AttentionPermutationCase {
  Permute(const Device& device, const Sizes& s) : AttentionPermutationCase(device, permutation_inputs(s)) {}
  void launch(const Device& device) { attention_permutation(device, arguments()); }
  std::vector<float> result() { return change.host(); }
};

struct Attack : InstanceAdversaryCase {
  Attack(const Device& device, const Sizes& s)
      : InstanceAdversaryCase(device, adversary_inputs(s)), starts(log_attention.host()) {}
  void launch(const Device& device) { instance_adversary(device, arguments()); }
  /// The operation turns its starts into its result.
  void reset(const Device& device) {
    copy_to_device(device, log_attention.span().data, starts.data(), starts.size() * sizeof(float));
  }
  std::vector<float> result() { return probability.host(); }
  std::vector<float> starts;
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
