#pragma once
// Every operation of kernels/ on the shapes of one training step, with the arithmetic and the bytes that it needs at
// least.
#include <functional>
#include <string>
#include <vector>

#include "kernels/base/device.h"

namespace notnot::bench {

/// Floor of a time step of one sequence and direction in fp32, forward or backward, in clocks of the SM that has it:
/// 65,536 FMA, 128 per clock. What the kernels are modelled to take is in kernels/budgets.md.
inline constexpr double kRecurrentClocks = 512;

/// One operation with its arrays on a device.
struct Prepared {
  std::function<void()> launch;
  std::function<std::vector<float>()> result;  ///< the operation's output; call it after the first launch
  std::function<void()> reset;  ///< call it before each further launch; empty if a launch changes none of its inputs
};

struct KernelCase {
  std::string name, shape;
  double flop = 0;         ///< counted: 2 per multiply-add of the products; element-wise work is not counted
  double tensor_flop = 0;  ///< counted likewise: products of bf16 matrices
  double bytes = 0;        ///< counted: every array once, in or out
  double clocks = 0;       ///< CUDA, counted: clocks that the longest chain of dependent steps takes at least
  /// The CPU has no such version (bf16x3, general kernels, several sequences per block); the reference is its plain
  /// version.
  bool cuda_only = false;
  /// Why this device has no such version; an empty text where it has. May be empty itself.
  std::function<std::string(const Device&)> left_out = {};
  double tolerance = 0;  ///< largest difference from the CPU's baseline code that passes, relative to the largest value
  std::function<Prepared(const Device&)> prepare;
};

/// The lengths of a batch's sequences, and the model's sizes.
struct Workload {
  std::string name;
  std::vector<int32_t> lengths;
  int32_t vocabulary = 0, embed = 300, hidden = 128;
};
// A batch of 32 texts as long as the data set's mean (Table 1 of the paper); lengths of a batch differ by a tenth.
Workload sst_workload();
Workload imdb_workload();

std::vector<KernelCase> kernel_cases(const Workload& workload);

}  // namespace notnot::bench
