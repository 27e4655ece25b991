// Each fault planted in a kernel must be caught, and the message must say where.
#include <cuda_runtime.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "kernels/launch.cuh"

namespace notnot {
namespace {

template <class... Parameters, class... Arguments>
std::string error_of(dim3 grid, dim3 block, size_t shared, void (*kernel)(Parameters...), Arguments... arguments) {
  try {
    cuda::launch(Device{}, "kernel", {grid, block, shared}, kernel, arguments...);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

__global__ void __launch_bounds__(64) reverse_through_shared(const float* from, float* to) {
  float* shared = cuda::dynamic_shared<float>();
  shared[threadIdx.x] = from[blockIdx.x * blockDim.x + threadIdx.x];
  __syncthreads();
  to[blockIdx.x * blockDim.x + threadIdx.x] = shared[blockDim.x - 1 - threadIdx.x];
}

TEST_CASE("a barrier makes shared memory visible") {
  std::vector<float> from(192), to(192);
  for (size_t i = 0; i < from.size(); ++i) from[i] = static_cast<float>(i);
  cuda::launch(Device{}, "reverse", {3, 64, 256}, reverse_through_shared, from.data(), to.data());
  for (size_t i = 0; i < from.size(); ++i) CHECK(to[i] == from[i / 64 * 64 + 63 - i % 64]);
}

__global__ void read_poison(float* to) { to[blockIdx.x] = cuda::dynamic_shared<float>()[0]++; }

TEST_CASE("dynamic shared memory starts as NaN in every block") {
  std::vector<float> to(4, 0.0F);
  cuda::launch(Device{}, "read_poison", {4, 1, 16}, read_poison, to.data());
  for (const float value : to) CHECK(std::isnan(value));
}

__global__ void warp_operations(int* to) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  int* row = to + threadIdx.x * 6;
  row[0] = __shfl_sync(0xFFFFFFFFU, lane, 5);
  row[1] = __shfl_up_sync(0xFFFFFFFFU, lane, 1, 8);
  row[2] = __shfl_down_sync(0xFFFFFFFFU, lane, 3, 8);
  row[3] = __shfl_xor_sync(0xFFFFFFFFU, lane, 16);
  row[4] = static_cast<int>(__ballot_sync(0xFFFFFFFFU, lane < 3));
  // Two halves of a warp that have diverged.
  row[5] = lane < 16 ? __shfl_sync(0x0000FFFFU, lane, 1) : __shfl_sync(0xFFFF0000U, lane, 17);
}

TEST_CASE("shuffles and ballots") {
  std::vector<int> to(64 * 6);
  cuda::launch(Device{}, "warp_operations", {1, 64, 0}, warp_operations, to.data());
  for (int thread = 0; thread < 64; ++thread) {
    const int lane = thread % 32;
    const int* row = to.data() + thread * 6;
    CHECK(row[0] == 5);
    CHECK(row[1] == (lane % 8 == 0 ? lane : lane - 1));
    CHECK(row[2] == (lane % 8 >= 5 ? lane : lane + 3));
    CHECK(row[3] == (lane ^ 16));
    CHECK(row[4] == 7);
    CHECK(row[5] == (lane < 16 ? 1 : 17));
  }
}

__global__ void absent_source(float* to) {
  if (threadIdx.x < 16) to[threadIdx.x] = __shfl_sync(0x0000FFFFU, 1.0F, 20);
}

TEST_CASE("a shuffle from a lane that takes no part gives NaN") {
  std::vector<float> to(16);
  cuda::launch(Device{}, "absent_source", {1, 32, 0}, absent_source, to.data());
  for (const float value : to) CHECK(std::isnan(value));
}

__global__ void divergent_barriers() {
  if (threadIdx.x < 32) {
    __syncthreads();  // line A
  } else {
    __syncthreads();  // line B
  }
}
constexpr int kDivergentLine = __LINE__ - 5;

TEST_CASE("threads at different barriers") {
  const std::string error = error_of(1, 64, 0, divergent_barriers);
  CHECK(contains(error, "met at different barriers"));
  CHECK(contains(error, fmt::format("emulator_test.cpp:{}: __syncthreads: 32 threads: (0,0,0)", kDivergentLine)));
  CHECK(contains(error, fmt::format("emulator_test.cpp:{}: __syncthreads: 32 threads: (32,0,0)", kDivergentLine + 2)));
}

__global__ void barrier_against_warp() {
  if (threadIdx.x == 0) {
    __syncwarp();
  } else {
    __syncthreads();
  }
}

TEST_CASE("a deadlock names every waiter") {
  const std::string error = error_of(1, 32, 0, barrier_against_warp);
  CHECK(contains(error, "deadlock"));
  CHECK(contains(error, "__syncwarp mask 0xffffffff: 1 threads: (0,0,0)"));
  CHECK(contains(error, "__syncthreads: 31 threads"));
}

__global__ void different_masks() { __shfl_sync(threadIdx.x < 16 ? 0x00FFFFFFU : 0xFFFFFF00U, 1, 16); }
__global__ void mask_without_caller() { __syncwarp(0x1U); }

TEST_CASE("wrong masks") {
  CHECK(contains(error_of(1, 32, 0, different_masks), "mask 0xffffff: 16 threads"));
  CHECK(contains(error_of(1, 32, 0, mask_without_caller), "lacks the caller's lane"));
}

__global__ void early_return(int* to) {
  if (threadIdx.x % 2 == 0) return;
  __syncthreads();
  to[threadIdx.x] = static_cast<int>(__ballot_sync(0xFFFFFFFFU, 1));
}

TEST_CASE("threads that returned no longer count") {
  std::vector<int> to(64, 0);
  cuda::launch(Device{}, "early_return", {1, 64, 0}, early_return, to.data());
  for (size_t i = 0; i < to.size(); ++i) CHECK(to[i] == (i % 2 == 0 ? 0 : static_cast<int>(0xAAAAAAAAU)));
}

__global__ void throws_in_thread() {
  if (threadIdx.x == 7) NOTNOT_CHECK(false, "as planned");
  __syncthreads();
}

TEST_CASE("an exception names its thread, and the emulator goes on") {
  CHECK(contains(error_of(2, 32, 0, throws_in_thread), "thread (7,0,0)"));
  std::vector<int> to(64, 0);
  CHECK(error_of(1, 64, 0, early_return, to.data()).empty());
}

__global__ void take_tickets(int* ticket, int* taken_by) {
  for (int mine = 0; (mine = atomicAdd(ticket, 1)) < 8; __nanosleep(100)) taken_by[mine] = static_cast<int>(blockIdx.x);
}

TEST_CASE("resident blocks take turns") {
  int ticket = 0;
  std::vector<int> taken_by(8, -1);
  cuda::launch(Device{}, "take_tickets", {2, 1, 0}, take_tickets, &ticket, taken_by.data());
  for (const int block : {0, 1}) CHECK(std::count(taken_by.begin(), taken_by.end(), block) > 1);
}

__global__ void empty_kernel() {}

TEST_CASE("launches that no GPU would take") {
  CHECK(contains(error_of(0, 32, 0, empty_kernel), "invalid configuration"));
  CHECK(contains(error_of(1, 1025, 0, empty_kernel), "launch of kernel"));
  CHECK(contains(error_of(1, 32, 228 * 1024, empty_kernel), "invalid argument"));
}

}  // namespace
}  // namespace notnot
