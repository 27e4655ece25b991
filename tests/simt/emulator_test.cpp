// The emulator computes what a GPU would, and reports each fault planted here with its place.
#include <cuda_runtime.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "kernels/base/launch.cuh"
#include "kernels/bf16_mma.cuh"

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
  // The two halves of the warp have diverged.
  row[5] = lane < 16 ? __shfl_sync(0x0000FFFFU, lane, 1) : __shfl_sync(0xFFFF0000U, lane, 17);
}

__global__ void multiply_matrices(const float* a, const float* b, float* sum) {
  const int row = static_cast<int>(threadIdx.x) % 32 / 4, column = static_cast<int>(threadIdx.x) % 4 * 2;
  const auto pair_of_a = [&](int r, int k) { return cuda::pack_bf16(a[r * 16 + k], a[r * 16 + k + 1]); };
  const auto pair_of_b = [&](int k) { return cuda::pack_bf16(b[k * 8 + row], b[(k + 1) * 8 + row]); };
  float4 mine = {1, 2, 3, 4};
  for (int times = 0; times < 2; ++times) {
    cuda::multiply_add(mine,
                       {pair_of_a(row, column), pair_of_a(row + 8, column), pair_of_a(row, column + 8),
                        pair_of_a(row + 8, column + 8)},
                       {pair_of_b(column), pair_of_b(column + 8)});
  }
  sum[row * 8 + column] = mine.x;
  sum[row * 8 + column + 1] = mine.y;
  sum[(row + 8) * 8 + column] = mine.z;
  sum[(row + 8) * 8 + column + 1] = mine.w;
}

TEST_CASE("a product of bf16 matrices") {
  std::vector<float> a(16 * 16), b(16 * 8), sum(16 * 8);
  // All values are exact in bf16, and all sums in fp32.
  for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i * 37 % 101) - 50;
  for (size_t i = 0; i < b.size(); ++i) b[i] = static_cast<float>(i * 53 % 97) - 48;
  cuda::launch(Device{}, "multiply", {1, 32}, multiply_matrices, a.data(), b.data(), sum.data());
  for (size_t row = 0; row < 16; ++row) {
    for (size_t column = 0; column < 8; ++column) {
      float expected = row < 8 ? 1 : 3;
      expected += column % 2 == 0 ? 0 : 1;
      for (size_t k = 0; k < 16; ++k) expected += 2 * a[row * 16 + k] * b[k * 8 + column];
      CHECK(sum[row * 8 + column] == expected);
    }
  }
  const std::string error = error_of(1, 24, 0, multiply_matrices, a.data(), b.data(), sum.data());
  CHECK_MESSAGE(contains(error, "only the lanes 0xffffff of the warp take part"), error);
}

TEST_CASE("a number is rounded to the nearest bf16, and a pair of bf16 keeps 16 of its bits") {
  const float infinity = std::numeric_limits<float>::infinity();
  const auto rounded = [](float x) { return cuda::first_of(cuda::pack_bf16(x, 0)); };
  CHECK(rounded(1 + 0x1p-8F) == 1);  // a tie, to even
  CHECK(rounded(1 + 3 * 0x1p-8F) == 1 + 0x1p-6F);
  CHECK(rounded(-1 - 0x1.1p-8F) == -1 - 0x1p-7F);
  CHECK(rounded(3.4e38F) == infinity);
  CHECK(std::isnan(rounded(std::bit_cast<float>(0x7F800001U))));
  for (float x = 0.7F; std::abs(x) < 1e9F; x *= -1.37F) {
    const cuda::SplitPair pair = cuda::split(x, -x);
    CHECK(std::abs(cuda::first_of(pair.hi) + cuda::first_of(pair.lo) - x) <= 0x1p-16F * std::abs(x));
    CHECK(cuda::second_of(pair.lo) == -cuda::first_of(pair.lo));
  }
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

TEST_CASE("threads that meet at different barriers") {
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

TEST_CASE("masks that disagree, and a mask without the caller") {
  CHECK(contains(error_of(1, 32, 0, different_masks), "mask 0xffffff: 16 threads"));
  CHECK(contains(error_of(1, 32, 0, mask_without_caller), "lacks the caller's lane"));
}

__global__ void early_return(int* to) {
  if (threadIdx.x % 2 == 0) return;
  __syncthreads();
  to[threadIdx.x] = static_cast<int>(__ballot_sync(0xFFFFFFFFU, 1));
}

TEST_CASE("barriers and votes do not count threads that have returned") {
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

TEST_CASE("the shared memory of a block is what NOTNOT_SIMT_SHARED_KIB says") {
  const std::string before = simt::environment("NOTNOT_SIMT_SHARED_KIB", "");
  setenv("NOTNOT_SIMT_SHARED_KIB", "48", 1);
  CHECK(error_of(1, 32, 48 * 1024, empty_kernel).empty());
  CHECK(contains(error_of(1, 32, 48 * 1024 + 1, empty_kernel), "invalid argument"));
  for (const char* wrong : {"many", "0", "-1", "48.5", "48 KiB", "228", "99999999999999999999"}) {
    setenv("NOTNOT_SIMT_SHARED_KIB", wrong, 1);
    const std::string error = error_of(1, 32, 0, empty_kernel);
    CHECK_MESSAGE(contains(error, fmt::format("NOTNOT_SIMT_SHARED_KIB is `{}`; give the KiB", wrong)), error);
    CHECK_MESSAGE(contains(error, "a whole number from 1 to 227"), error);
  }
  setenv("NOTNOT_SIMT_SHARED_KIB", before.c_str(), 1);  // empty counts as not set
}

TEST_CASE("a seed is a whole number") {
  CHECK(simt::seeded_generator("NAME", "random:7") == std::mt19937_64(7));
  for (const char* wrong : {"random:", "random:x", "random:7x", "random:-7"}) {
    std::string error;
    try {
      simt::seeded_generator("NAME", wrong);
    } catch (const Error& thrown) {
      error = thrown.what();
    }
    CHECK_MESSAGE(contains(error, fmt::format("NAME is `{}`; the seed is a whole number", wrong)), error);
  }
}

TEST_CASE("a failed call stays the last error unless NOTNOT_CUDA_CHECK saw it") {
  CHECK(cudaSetDevice(7) == cudaErrorInvalidDevice);
  CHECK(cudaPeekAtLastError() == cudaErrorInvalidDevice);
  CHECK(cudaGetLastError() == cudaErrorInvalidDevice);
  CHECK(cudaPeekAtLastError() == cudaSuccess);
  CHECK_THROWS_AS(NOTNOT_CUDA_CHECK(cudaSetDevice(7)), Error);
  CHECK(!error_of(1, 1025, 0, empty_kernel).empty());
  CHECK(cudaPeekAtLastError() == cudaSuccess);
}

/// In each of 1,000 rounds the stream `first` copies a number from the host, and `second` copies it back. Returns in
/// how many rounds the number that came back was the one that the host had when it enqueued the copies.
int rounds_in_order(bool second_waits, bool host_waits) {
  cudaStream_t first = nullptr, second = nullptr;
  cudaEvent_t copied = nullptr;
  cudaStreamCreateWithPriority(&first, cudaStreamNonBlocking, 0);
  cudaStreamCreateWithPriority(&second, cudaStreamNonBlocking, 0);
  cudaEventCreate(&copied);
  int in_order = 0;
  for (int round = 1; round <= 1000; ++round) {
    int from = round, between = 0, to = 0;
    cudaMemcpyAsync(&between, &from, sizeof from, cudaMemcpyHostToDevice, first);
    cudaEventRecord(copied, first);
    if (second_waits) cudaStreamWaitEvent(second, copied, 0);
    cudaMemcpyAsync(&to, &between, sizeof between, cudaMemcpyDeviceToHost, second);
    if (host_waits) cudaEventSynchronize(copied);
    from = -1;
    cudaStreamSynchronize(second);
    cudaStreamSynchronize(first);
    in_order += to == round ? 1 : 0;
  }
  cudaEventDestroy(copied);
  cudaStreamDestroy(first);
  cudaStreamDestroy(second);
  return in_order;
}

/// Two streams and an event.
struct TwoStreams {
  cudaStream_t trunk = nullptr, branch = nullptr;
  cudaEvent_t event = nullptr;
  TwoStreams() {
    cudaStreamCreateWithPriority(&trunk, cudaStreamNonBlocking, 0);
    cudaStreamCreateWithPriority(&branch, cudaStreamNonBlocking, 0);
    cudaEventCreate(&event);
  }
  TwoStreams(const TwoStreams&) = delete;
  TwoStreams& operator=(const TwoStreams&) = delete;
  ~TwoStreams() {
    cudaEventDestroy(event);
    cudaStreamDestroy(trunk);
    cudaStreamDestroy(branch);
  }
  cudaError_t order(cudaStream_t before, cudaStream_t after) const {
    cudaEventRecord(event, before);
    return cudaStreamWaitEvent(after, event, 0);
  }
};

TEST_CASE("a captured graph keeps which work waits for which, over several streams") {
  const TwoStreams s;
  std::vector<int> done;
  const auto enqueue = [&](cudaStream_t stream, int number) {
    simt::enqueue(stream, [&done, number] { done.push_back(number); });
  };
  cudaStreamBeginCapture(s.trunk, cudaStreamCaptureModeThreadLocal);
  enqueue(s.trunk, 0);
  CHECK(s.order(s.trunk, s.branch) == cudaSuccess);
  for (const int number : {10, 11, 12}) enqueue(s.branch, number);
  for (const int number : {1, 2, 3, 4}) enqueue(s.trunk, number);
  CHECK(s.order(s.branch, s.trunk) == cudaSuccess);
  enqueue(s.trunk, 5);
  cudaGraph_t graph = nullptr;
  REQUIRE(cudaStreamEndCapture(s.trunk, &graph) == cudaSuccess);
  const simt::GraphSize size = simt::size_of(*graph);
  CHECK(size.nodes == 9);
  CHECK(size.longest_path == 6);
  CHECK(done.empty());
  cudaGraphExec_t work = nullptr;
  cudaGraphInstantiate(&work, graph, 0);
  cudaGraphDestroy(graph);
  std::set<std::vector<int>> orders;
  for (int launch = 0; launch < 50; ++launch) {
    done.clear();
    cudaGraphLaunch(work, s.trunk);
    cudaStreamSynchronize(s.trunk);
    REQUIRE(done.size() == 9);
    CHECK(done.front() == 0);
    CHECK(done.back() == 5);
    std::vector<int> branch, trunk;
    for (const int number : done) (number >= 10 ? branch : trunk).push_back(number);
    CHECK(std::is_sorted(branch.begin(), branch.end()));
    CHECK(std::is_sorted(trunk.begin(), trunk.end()));
    orders.insert(done);
  }
  CHECK((orders.size() > 10) == (std::getenv("NOTNOT_SIMT_STREAMS") != nullptr));
  cudaGraphExecDestroy(work);
  enqueue(s.branch, 20);  // no longer captured
  cudaStreamSynchronize(s.branch);
  CHECK(done.back() == 20);
}

TEST_CASE("a capture with work that was not joined, or that waits for work outside of it, fails") {
  const TwoStreams s;
  cudaGraph_t graph = nullptr;
  cudaStreamBeginCapture(s.trunk, cudaStreamCaptureModeThreadLocal);
  s.order(s.trunk, s.branch);
  simt::enqueue(s.branch, [] {});
  CHECK(cudaStreamEndCapture(s.branch, &graph) == cudaErrorIllegalState);  // it began on the other stream
  CHECK(cudaStreamEndCapture(s.trunk, &graph) == cudaErrorStreamCaptureUnjoined);
  CHECK(graph == nullptr);
  cudaEventRecord(s.event, s.branch);
  cudaStreamBeginCapture(s.trunk, cudaStreamCaptureModeThreadLocal);
  CHECK(cudaStreamWaitEvent(s.trunk, s.event, 0) == cudaErrorStreamCaptureIsolation);
  CHECK(cudaStreamEndCapture(s.trunk, &graph) == cudaSuccess);
  cudaGraphDestroy(graph);
  cudaGetLastError();
}

TEST_CASE("streams and the host overtake each other where nothing waits" *
          doctest::skip(std::getenv("NOTNOT_SIMT_STREAMS") == nullptr)) {
  CHECK(rounds_in_order(true, true) == 1000);
  for (const int by_chance : {rounds_in_order(true, false), rounds_in_order(false, true)}) {
    CHECK(by_chance > 0);
    CHECK(by_chance < 1000);
  }
}

}  // namespace
}  // namespace notnot
