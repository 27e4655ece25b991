#include "bench/kernel_cases.h"

#include <algorithm>

#include "bench/kernel_sizes.h"

namespace notnot::bench {
namespace {

/// 32 lengths around `mean`, a tenth of it apart at most.
std::vector<int32_t> batch_lengths(int32_t mean) {
  std::vector<int32_t> lengths(32);
  for (int32_t i = 0; i < 32; ++i) lengths[i] = mean - mean / 20 + i * std::max(mean / 10, 1) / 32;
  return lengths;
}

}  // namespace

Workload sst_workload() { return {.name = "SST", .lengths = batch_lengths(19 + 2), .vocabulary = 13826}; }
Workload imdb_workload() { return {.name = "IMDb", .lengths = batch_lengths(179 + 2), .vocabulary = 12487}; }

std::vector<KernelCase> kernel_cases(const Workload& workload) {
  const auto sizes = std::make_shared<const Sizes>(workload);
  std::vector<KernelCase> cases;
  add_token_cases(cases, sizes);
  add_bilstm_cases(cases, sizes);
  add_head_cases(cases, sizes);
  add_perturbation_cases(cases, sizes);
  add_adam_cases(cases, sizes);
  add_matrix_cases(cases, sizes);
  return cases;
}

}  // namespace notnot::bench
