// Kernels with one fault each. Most of these faults only a sanitizer can name; emulator_test.cpp has the faults that
// the emulator itself reports. `planted_faults NAME` runs one kernel and exits with 1 if its results are wrong.
// tests/CMakeLists.txt says what must come out of which build.
#include <cublasLt.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/device/arena.h"
#include "engine/device/open_device.h"
#include "kernels/base/launch.cuh"

namespace notnot {
namespace {

constexpr unsigned kThreads = 64;

template <class... Parameters, class... Arguments>
void run(dim3 grid, size_t shared, void (*kernel)(Parameters...), Arguments... arguments) {
  cuda::launch(Device{}, "planted fault", {grid, dim3(kThreads), shared}, kernel, arguments...);
}

__global__ void missing_barrier(float* to) {
  float* const shared = cuda::dynamic_shared<float>();
  shared[threadIdx.x] = 1;
  to[threadIdx.x] = shared[kThreads - 1 - threadIdx.x];
}

/// Every step reads what the previous step wrote, and writes the same value into its own place. The values are always
/// right, but one thread may write while its neighbour still reads.
__global__ void missing_double_buffer(float* to) {
  float* const shared = cuda::dynamic_shared<float>();
  shared[threadIdx.x] = 1;
  __syncthreads();
  for (int step = 0; step < 3; ++step) {
    const float neighbour = shared[kThreads - 1 - threadIdx.x];
    shared[threadIdx.x] = neighbour;
    __syncthreads();
  }
  to[threadIdx.x] = shared[threadIdx.x];
}

__global__ void missing_syncwarp(float* to) {
  float* const shared = cuda::dynamic_shared<float>();
  shared[threadIdx.x] = 1;
  __shfl_sync(0xFFFFFFFFU, 0, 0);  // waits for the warp but orders no memory
  to[threadIdx.x] = shared[threadIdx.x ^ 1];
}

__global__ void with_syncwarp(float* to) {
  float* const shared = cuda::dynamic_shared<float>();
  for (int step = 0; step < 3; ++step) {
    shared[threadIdx.x] = 1;
    __syncwarp();
    to[threadIdx.x] = shared[threadIdx.x ^ 1];
    __syncwarp();
  }
}

__global__ void one_syncwarp_too_few(float* to) {
  float* const shared = cuda::dynamic_shared<float>();
  for (int step = 0; step < 3; ++step) {
    shared[threadIdx.x] = 1;
    __syncwarp();
    to[threadIdx.x] = shared[threadIdx.x ^ 1];
  }
}

__global__ void uninitialised_shared_memory(float* to) {
  float* const shared = cuda::dynamic_shared<float>();
  if (threadIdx.x > 0) shared[threadIdx.x] = 1;
  __syncthreads();
  to[threadIdx.x] = shared[kThreads - 1 - threadIdx.x];
}

__global__ void early_return(float* to) {
  float* const shared = cuda::dynamic_shared<float>();
  if (threadIdx.x == 7) return;
  shared[threadIdx.x] = 1;
  __syncthreads();
  to[threadIdx.x] = shared[kThreads - 1 - threadIdx.x];
}

__global__ void atomic_and_plain(float* to, int* counter) {
  atomicAdd(counter, 1);
  // Other threads add before and after it. ThreadSanitizer remembers four accesses to a place, chosen at random.
  if (threadIdx.x == kThreads / 2) *counter += 1;
  to[threadIdx.x] = 1;
}

__global__ void blocks_share_an_output(float* to) { to[threadIdx.x] = 1; }

__global__ void read_behind_the_end(float* to, int past) {
  to[threadIdx.x] = 1;
  if (threadIdx.x == 0) to[0] += 0 * to[kThreads - 1 + past];
}

__global__ void read_behind_shared_memory(float* to) {
  float* const shared = cuda::dynamic_shared<float>();
  shared[threadIdx.x] = 1;
  __syncthreads();
  to[threadIdx.x] = shared[threadIdx.x + 1] * 0 + 1;
}

/// Reads the element behind a span of an arena that has another one after it.
void read_behind_a_span() {
  const OpenDevice device("cuda", 1);
  Arena arena;
  Span<float> first, second;
  arena.add("test", "first", {kThreads}, &first);  // 256 bytes, so that alignment adds nothing behind it
  arena.add("test", "second", {kThreads}, &second);
  arena.allocate(device.get());
  run(1, 0, read_behind_the_end, first.data, 1);
}

/// to[8, 8] = a[8, 64] times ones[64, 8], column-major, where every element of `a` is 1/64, by an algorithm that uses
/// the workspace. `a` has a leading dimension of 12 with NaN between its columns.
void multiply(float* to, int64_t stride_of_a, size_t workspace_bytes) {
  std::vector<float> a(12 * 64, NAN), ones(64 * 8, 1);
  for (size_t i = 0; i < 64; ++i) std::fill_n(&a[12 * i], 8, 1.0F / 64);
  std::vector<char> workspace(workspace_bytes);
  cublasLtHandle_t handle = nullptr;
  cublasLtMatmulDescOpaque_t product;
  cublasLtMatrixLayoutOpaque_t a_layout, b_layout, c_layout;
  cublasLtMatmulPreferenceOpaque_t preference;
  cublasLtMatmulHeuristicResult_t candidates[8];
  int found = 0;
  const uint64_t claimed = 3 * 64 * sizeof(float);
  const float one = 1, zero = 0;
  cublasLtCreate(&handle);
  cublasLtMatmulDescInit(&product, CUBLAS_COMPUTE_32F, CUDA_R_32F);
  cublasLtMatrixLayoutInit(&a_layout, CUDA_R_32F, 8, 64, stride_of_a);
  cublasLtMatrixLayoutInit(&b_layout, CUDA_R_32F, 64, 8, 64);
  cublasLtMatrixLayoutInit(&c_layout, CUDA_R_32F, 8, 8, 8);
  cublasLtMatmulPreferenceInit(&preference);
  cublasLtMatmulPreferenceSetAttribute(&preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &claimed, sizeof claimed);
  cublasLtMatmulAlgoGetHeuristic(handle, &product, &a_layout, &b_layout, &c_layout, &c_layout, &preference, 8,
                                 candidates, &found);
  const auto* candidate =
      std::find_if(candidates, candidates + found, [](const auto& c) { return c.workspaceSize > 0; });
  const cublasStatus_t status =
      cublasLtMatmul(handle, &product, &one, a.data(), &a_layout, ones.data(), &b_layout, &zero, to, &c_layout, to,
                     &c_layout, &candidate->algo, workspace.data(), claimed, nullptr);
  if (status != CUBLAS_STATUS_SUCCESS) std::puts(cublasLtGetStatusName(status));
  cublasLtDestroy(handle);
}

const std::map<std::string, std::function<void(float*)>> kFaults = {
    {"missing_barrier", [](float* to) { run(1, 4 * kThreads, missing_barrier, to); }},
    {"missing_double_buffer", [](float* to) { run(1, 4 * kThreads, missing_double_buffer, to); }},
    {"missing_syncwarp", [](float* to) { run(1, 4 * kThreads, missing_syncwarp, to); }},
    {"with_syncwarp", [](float* to) { run(1, 4 * kThreads, with_syncwarp, to); }},
    {"one_syncwarp_too_few", [](float* to) { run(1, 4 * kThreads, one_syncwarp_too_few, to); }},
    {"uninitialised_shared_memory", [](float* to) { run(1, 4 * kThreads, uninitialised_shared_memory, to); }},
    {"early_return", [](float* to) { run(1, 4 * kThreads, early_return, to); }},
    {"atomic_and_plain",
     [](float* to) {
       int counter = 0;
       run(1, 0, atomic_and_plain, to, &counter);
     }},
    {"blocks_share_an_output", [](float* to) { run(2, 0, blocks_share_an_output, to); }},
    {"read_behind_the_end", [](float* to) { run(1, 0, read_behind_the_end, to, 1); }},
    {"read_behind_shared_memory", [](float* to) { run(1, 4 * kThreads, read_behind_shared_memory, to); }},
    {"right_leading_dimension", [](float* to) { multiply(to, 12, 4096); }},
    {"wrong_leading_dimension", [](float* to) { multiply(to, 8, 4096); }},
    {"short_workspace", [](float* to) { multiply(to, 12, 64); }},
    {"read_behind_a_span", [](float* to) { read_behind_a_span(), std::fill_n(to, kThreads, 1.0F); }},
};

}  // namespace
}  // namespace notnot

int main(int argc, char** argv) {
  const auto fault = notnot::kFaults.find(argc == 2 ? argv[1] : "");
  if (fault == notnot::kFaults.end()) return std::puts("usage: planted_faults NAME"), 2;
  std::vector<float> to(notnot::kThreads, 0);
  fault->second(to.data());
  for (const float value : to) {
    if (value != 1) return std::printf("wrong values\n"), 1;
  }
  std::puts("right values");
  return 0;
}
