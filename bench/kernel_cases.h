#pragma once
// Every operation of kernels/ on the shapes of one training step, with what it must at least compute and move.
#include <functional>
#include <string>
#include <vector>

#include "kernels/base/device.h"

namespace notnot::bench {

/// Clocks per step of the persistent BiLSTM kernels with one sequence per block, as kernels/bilstm.cu counts them.
inline constexpr double kForwardClocks = 860, kBackwardClocks = 900;

/// One operation with its arrays on a device.
struct Prepared {
  std::function<void()> launch;
  std::function<std::vector<float>()> result;  ///< what the operation wrote; call it after the first launch
  std::function<void()> reset;  ///< before each further launch; empty when a launch changes none of its inputs
};

struct KernelCase {
  std::string name, shape;
  double flop = 0;         ///< counted: 2 per multiply-add of the products; element-wise work is not counted
  double tensor_flop = 0;  ///< the same of products of bf16 matrices
  double bytes = 0;        ///< counted: every array once, in or out
  double clocks = 0;  ///< CUDA: the longest chain of dependent steps, in clocks (kernels/bilstm.cu counts a step's)
  bool cuda_only = false;  ///< the CPU, against which it is compared, has none of it: bf16x3, general kernels
  double tolerance = 0;    ///< of the largest difference from the CPU's baseline code, relative to the largest value
  std::function<Prepared(const Device&)> prepare;
};

/// Lengths of the sequences of a batch, and the model's sizes.
struct Workload {
  std::string name;
  std::vector<int32_t> lengths;
  int32_t vocabulary = 0, embed = 300, hidden = 128;
};
/// A batch of 32 texts as long as SST's mean (Table 1 of the paper; lengths of a batch differ by a tenth).
Workload sst_workload();
/// The same for IMDb.
Workload imdb_workload();

std::vector<KernelCase> kernel_cases(const Workload& workload);

}  // namespace notnot::bench
