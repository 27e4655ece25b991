// Perturbations of the attention: Jain & Wallace's, the exact adversary, and erasure until the decision flips.
#include "bench/kernel_sizes.h"
#include "kernels/cases/adam_case.h"
#include "kernels/cases/attention_permutation_case.h"
#include "kernels/cases/erasure_flip_case.h"
#include "kernels/cases/exact_adversary_case.h"
#include "kernels/cases/instance_adversary_case.h"

namespace notnot::bench {
namespace {

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

ExactAdversaryInputs exact_inputs(const Sizes& s, bool all_pairs) {
  ExactAdversaryInputs inputs;
  inputs.all_pairs = all_pairs;
  for (uint64_t b = 0; const int32_t length : s.lengths) inputs.add_random(++b, length - 2);
  return inputs;
}

ErasureFlipInputs flip_inputs(const Sizes& s) {
  const ExactAdversaryInputs texts = exact_inputs(s, false);
  return {.offsets = texts.offsets,
          .contributions = texts.contributions,
          .log_attention = texts.log_attention,
          .scores = random_floats(texts.tokens(), 3)};
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

template <bool kAllPairs>
struct AttackExactly : ExactAdversaryCase {
  AttackExactly(const Device& device, const Sizes& s) : ExactAdversaryCase(device, exact_inputs(s, kAllPairs)) {}
  void launch(const Device& device) { exact_adversary(device, arguments()); }
  std::vector<float> result() {
    std::vector<float> divergences;
    for (const ExactOptimum& optimum : optima.host()) divergences.push_back(optimum.divergence);
    return divergences;
  }
};

struct Erase : ErasureFlipCase {
  Erase(const Device& device, const Sizes& s) : ErasureFlipCase(device, flip_inputs(s)) {}
  void launch(const Device& device) { erasure_flip(device, arguments()); }
  std::vector<float> result() {
    const std::vector<int32_t> sizes = size.host();
    return {sizes.begin(), sizes.end()};
  }
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
  // A hinge that rounding switches a step earlier moves p by more than a sum's rounding does (kHingeSwitched in
  // tests/backends/instance_adversary_test.cpp). Of these inputs none is so near to its switch: after 0 to 19 steps of
  // the CPU's baseline code, | |p_k - p| - 0.01 | is 1.1e-5 at least for SST and 9.6e-6 for IMDb, where rounding may
  // have moved p by 1.2e-6 (after_steps of that test). So the tolerance of sums holds on a GPU, too.
  //
  // Softmax, p and the gradient's mean: three sums of products over the words.
  cases.push_back({.name = fmt::format("instance_adversary, {} steps", kAdversarySteps),
                   .shape = fmt::format("{} B={} K={}", s->tokens(), s->batch.b, kAdversaries),
                   .flop = 2.0 * 3 * kAdversarySteps * kAdversaries * n,
                   .bytes = floats((2 + 2 * kAdversaries) * n),
                   .tolerance = kSumTolerance,
                   .prepare = preparing<Attack>(s)});
  // The mean of the contributions; attention and contributions are read, a result is written per text and epsilon.
  const double epsilons = static_cast<double>(ExactAdversaryInputs().epsilons.size());
  for (const bool all_pairs : {false, true}) {
    cases.push_back({.name = all_pairs ? "exact_adversary, all pairs" : "exact_adversary",
                     .shape = fmt::format("{} B={} epsilons={}", s->tokens(), s->batch.b, epsilons),
                     .flop = 2 * n,
                     .bytes = floats(2 * n) + sizeof(ExactOptimum) * epsilons * b,
                     .tolerance = kElementTolerance,
                     .prepare = all_pairs ? preparing<AttackExactly<true>>(s) : preparing<AttackExactly<false>>(s)});
  }
  // A sum of products per order, and the logit; orders and sizes are written. Sizes are integers and must be equal.
  constexpr int32_t kOrders = kGivenOrders + 1;
  cases.push_back({.name = "erasure_flip",
                   .shape = fmt::format("{} B={} orders={}", s->tokens(), s->batch.b, kOrders),
                   .flop = 2 * (kOrders + 1) * n,
                   .bytes = floats((3 + kOrders) * n + (2 + 2 * kOrders) * b),
                   .tolerance = 0,
                   .prepare = preparing<Erase>(s)});
}

}  // namespace notnot::bench
