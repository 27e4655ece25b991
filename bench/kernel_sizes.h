#pragma once
// The parts of the cases of kernel_cases.h: a batch with its sizes, and arrays that live as long as their case.
#include <memory>

#include "bench/kernel_cases.h"
#include "kernels/cases/device_data.h"

namespace notnot::bench {

using Array = DeviceArray<float>;

// The largest differences come from sums of some hundred to thousand products in another order: sqrt(1000) roundings.
inline constexpr double kSumTolerance = 5e-6, kElementTolerance = 1e-6;

inline double floats(double count) { return sizeof(float) * count; }

/// A batch on the host with the sizes that shapes and floors are made of.
struct Batch {
  explicit Batch(const Workload& w)
      : ragged(make_ragged(w.lengths, w.vocabulary, 1)),
        n(ragged.tokens()),
        u(ragged.unique()),
        b(ragged.sequences()) {}
  HostRagged ragged;
  int64_t n, u, b;
};

/// Workload and batch, shared by the cases.
struct Sizes : Workload {
  explicit Sizes(const Workload& w) : Workload(w), batch(w), e(w.embed), h(w.hidden), p(8 * h), d(2 * h), a(h) {}
  Batch batch;
  int64_t e, h, p, d, a;  ///< E, H, width of the projection, of a state, of the attention layer
  std::string tokens() const { return fmt::format("{} N={} U={}", name, batch.n, batch.u); }
};
using SizesPointer = std::shared_ptr<const Sizes>;

/// A Prepared whose closures keep `arrays` alive.
template <class Arrays>
Prepared prepared(const Device& device, std::shared_ptr<Arrays> arrays) {
  Prepared p;
  p.launch = [device, arrays] { arrays->launch(device); };
  p.result = [arrays] { return arrays->result(); };
  if constexpr (requires { arrays->reset(device); }) p.reset = [device, arrays] { arrays->reset(device); };
  return p;
}

template <class Arrays>
std::function<Prepared(const Device&)> preparing(const SizesPointer& sizes) {
  return [sizes](const Device& device) { return prepared(device, std::make_shared<Arrays>(device, *sizes)); };
}

// Each function adds the operations of one header or two.
void add_token_cases(std::vector<KernelCase>& cases, const SizesPointer& s);
void add_bilstm_cases(std::vector<KernelCase>& cases, const SizesPointer& s);
void add_head_cases(std::vector<KernelCase>& cases, const SizesPointer& s);
void add_perturbation_cases(std::vector<KernelCase>& cases, const SizesPointer& s);
void add_adam_cases(std::vector<KernelCase>& cases, const SizesPointer& s);
void add_matrix_cases(std::vector<KernelCase>& cases, const SizesPointer& s);

}  // namespace notnot::bench
