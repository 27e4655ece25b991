// The recurrence.
#include <array>
#include <optional>

#include "bench/kernel_sizes.h"
#include "kernels/cases/bilstm_case.h"

namespace notnot::bench {
namespace {

// Floor of a time step of eight sequences in bf16x3, in clocks: three products of 65,536 x 8 FMA, 2,048 per clock on
// sm_90's tensor cores.
constexpr double kBf16x3Clocks = 768;
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
                              .clocks = longest * kRecurrentClocks,
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
                               .clocks = longest * kRecurrentClocks,
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
    bilstm->clocks = longest * kBf16x3Clocks;
    bilstm->cuda_only = true;
    bilstm->tolerance = kBf16x3Tolerance;
  }
  training.name = "bilstm_forward, bf16x3";
  training.prepare = preparing<RecurForward<true, Precision::bf16x3>>(s);
  backward.name = "bilstm_backward, bf16x3";
  backward.prepare = preparing<RecurBackward<Precision::bf16x3>>(s);
  return {training, backward};
}

/// The device, shared by so many models that the launcher (kernels/bilstm.cu) gives a block `count` of a batch's
/// sequences: the smallest count, 1, 2 or 4, with which all run at once on the model's share of the SMs. Nothing where
/// no number of models does that.
std::optional<Device> with_sequences_per_block(Device device, int32_t sequences, int count) {
  for (device.models = 1; device.models <= device.multiprocessors; ++device.models) {
    const int at_once = device.multiprocessors / 2 / device.models;
    if (count == (sequences <= at_once ? 1 : sequences <= 2 * at_once ? 2 : 4)) return device;
  }
  return std::nullopt;
}

/// Training as in a fleet: a block carries `count` sequences.
std::array<KernelCase, 2> fleet_bilstm_cases(const SizesPointer& s, int count) {
  auto [evaluation, training, backward] = bilstm_cases(s);
  const auto sequences = static_cast<int32_t>(s->batch.b);
  for (KernelCase* bilstm : {&training, &backward}) {
    bilstm->name += fmt::format(", {} sequences per block", count);
    bilstm->clocks *= count;
    bilstm->cuda_only = true;
    bilstm->left_out = [sequences, count](const Device& device) {
      if (with_sequences_per_block(device, sequences, count)) return std::string();
      return fmt::format("with {} SMs no number of models makes a block carry {} of {} sequences",
                         device.multiprocessors, count, sequences);
    };
    bilstm->prepare = [sequences, count, plain = bilstm->prepare](const Device& device) {
      const bool cuda = device.backend == Backend::cuda;
      return plain(cuda ? with_sequences_per_block(device, sequences, count).value() : device);
    };
  }
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
  for (const int count : {2, 4}) {
    for (KernelCase& bilstm : fleet_bilstm_cases(s, count)) cases.push_back(std::move(bilstm));
  }
  for (KernelCase& bilstm : bf16x3_bilstm_cases(s)) cases.push_back(std::move(bilstm));
  for (KernelCase& bilstm : general_bilstm_cases(*s)) cases.push_back(std::move(bilstm));
}

}  // namespace notnot::bench
