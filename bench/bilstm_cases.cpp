// The recurrence.
#include <array>

#include "bench/kernel_sizes.h"
#include "kernels/cases/bilstm_case.h"

namespace notnot::bench {
namespace {

// Clocks per step of kernels/bilstm_tensor.cu with eight sequences per block, as modelled there.
constexpr double kBf16x3ForwardClocks = 2440, kBf16x3BackwardClocks = 2340;
// Three products of bf16 replace one of fp32; tests/backends/bilstm_test.cpp counts their error.
constexpr double kBf16x3Tolerance = 1e-5;

/// The CPU has only fp32; every case is compared with it.
Precision available(const Device& device, Precision precision) {
  return device.backend == Backend::cuda ? precision : Precision::fp32;
}

template <bool kTraining, Precision kPrecision = Precision::fp32>
struct RecurForward : BiLstmCase {
  RecurForward(const Device& device, const Sizes& s)
      : BiLstmCase(device, random_bilstm_inputs(s.batch.ragged, s.hidden, 2), kTraining) {}
  void launch(const Device& device) {
    BiLstmForward args = forward();
    args.precision = available(device, kPrecision);
    bilstm_forward(device, args);
  }
  std::vector<float> result() { return head(states.host(), dstates.span().size); }
};

/// After forward in fp32.
template <Precision kPrecision>
struct RecurBackward : RecurForward<true> {
  RecurBackward(const Device& device, const Sizes& s) : RecurForward<true>(device, s) {
    RecurForward<true>::launch(device);
    forward_gates = gates.host();
  }
  void launch(const Device& device) {
    BiLstmBackward args = backward();
    args.precision = available(device, kPrecision);
    bilstm_backward(device, args);
    add_recurrent_weight_gradient(device, args);
  }
  /// Backward turns the gates into their gradients.
  void reset(const Device& device) {
    copy_to_device(device, gates.span().data, forward_gates.data(), forward_gates.size() * sizeof(float));
  }
  std::vector<float> result() {
    std::vector<float> all = gates.host();
    const std::vector<float> more = dweight_hh.host();
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::vector<float> forward_gates;
};

/// Forward for evaluation, forward for training and backward at the workload's H.
std::array<KernelCase, 3> bilstm_cases(const SizesPointer& s) {
  const auto n = static_cast<double>(s->batch.n), u = static_cast<double>(s->batch.u);
  const auto h = static_cast<double>(s->h), longest = static_cast<double>(s->batch.ragged.longest);
  const double weights = 8 * h * h;
  const std::string shape = fmt::format("{} B={} T={} H={}", s->tokens(), s->batch.b, s->batch.ragged.longest, s->h);
  const KernelCase forward = {.name = "bilstm_forward, evaluation",
                              .shape = shape,
                              .flop = 2 * n * weights,
                              .bytes = floats(u * 8 * h + weights + n * 2 * h),
                              .clocks = longest * kForwardClocks,
                              .tolerance = kSumTolerance,
                              .prepare = preparing<RecurForward<false>>(s)};
  KernelCase training = forward;
  training.name = "bilstm_forward, training";
  training.bytes += floats(n * 12 * h);
  training.prepare = preparing<RecurForward<true>>(s);
  const KernelCase backward = {.name = "bilstm_backward",
                               .shape = shape,
                               .flop = 4 * n * weights,
                               .bytes = floats(n * 22 * h + 2 * weights),
                               .clocks = longest * kBackwardClocks,
                               .tolerance = kSumTolerance,
                               .prepare = preparing<RecurBackward<Precision::fp32>>(s)};
  return {forward, training, backward};
}

/// Forward and backward of training in bf16x3.
std::array<KernelCase, 2> bf16x3_bilstm_cases(const SizesPointer& s) {
  const double product = 16.0 * static_cast<double>(s->batch.n * s->h * s->h);
  const auto longest = static_cast<double>(s->batch.ragged.longest);
  auto [evaluation, training, backward] = bilstm_cases(s);
  for (KernelCase* bilstm : {&training, &backward}) {
    bilstm->flop -= product;  // leaves the gradient of the weights
    bilstm->tensor_flop = 3 * product;
    bilstm->cuda_only = true;
    bilstm->tolerance = kBf16x3Tolerance;
  }
  training.name = "bilstm_forward, bf16x3";
  training.clocks = longest * kBf16x3ForwardClocks;
  training.prepare = preparing<RecurForward<true, Precision::bf16x3>>(s);
  backward.name = "bilstm_backward, bf16x3";
  backward.clocks = longest * kBf16x3BackwardClocks;
  backward.prepare = preparing<RecurBackward<Precision::bf16x3>>(s);
  return {training, backward};
}

/// Training on CUDA's general kernels. Every H except 128 takes them; H = 127 shows what they would cost at 128.
std::array<KernelCase, 2> general_bilstm_cases(Workload workload) {
  --workload.hidden;
  auto [evaluation, training, backward] = bilstm_cases(std::make_shared<const Sizes>(workload));
  for (KernelCase* bilstm : {&training, &backward}) {
    bilstm->name += ", general (before: persistent)";
    bilstm->cuda_only = true;
  }
  return {training, backward};
}

}  // namespace

void add_bilstm_cases(std::vector<KernelCase>& cases, const SizesPointer& s) {
  for (KernelCase& bilstm : bilstm_cases(s)) cases.push_back(std::move(bilstm));
  for (KernelCase& bilstm : bf16x3_bilstm_cases(s)) cases.push_back(std::move(bilstm));
  for (KernelCase& bilstm : general_bilstm_cases(*s)) cases.push_back(std::move(bilstm));
}

}  // namespace notnot::bench
