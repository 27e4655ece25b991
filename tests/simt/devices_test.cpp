// Two devices: what CUDA refuses between them is refused, and this project's functions work on either of them.
#include <cublasLt.h>
#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kernels/base/launch.cuh"
#include "kernels/gemm.h"
#include "kernels/matrix.h"

namespace notnot {
namespace {

using Step = std::pair<std::string, std::function<void()>>;

/// What a program can do with a context of device 1, from its opening to its end.
std::vector<Step> steps_on_device_1() {
  struct State {
    Device device, side;
    Span<float> values;
    void* pinned = nullptr;
    CUevent_st* event = nullptr;
    CUgraphExec_st* work = nullptr;
    std::vector<float> host = std::vector<float>(int64_t{4} * kRowTile, 1);
  };
  const auto s = std::make_shared<State>();
  const auto part = [s](int i) { return s->values.subspan(i * kRowTile, kRowTile); };
  const auto multiply = [s, part] {
    matmul(s->device, {.rows = 1, .inner = 1, .columns = 1, .a = part(0), .b = part(1), .c = part(2)});
  };
  const size_t bytes = s->host.size() * sizeof(float);
  return {
      {"open", [=] { s->device = cuda::open(1); }},
      {"allocate",
       [=] {
         s->values = {static_cast<float*>(cuda::allocate(s->device, bytes)), static_cast<int64_t>(s->host.size())};
       }},
      {"copy_to_device", [=] { cuda::copy_to_device(s->device, s->values.data, s->host.data(), bytes); }},
      {"matmul", multiply},
      {"weight_gradient",
       [=] {
         weight_gradient(s->device, {.rows = 1,
                                     .outputs = 1,
                                     .inputs = 1,
                                     .a_stride = 1,
                                     .b_stride = 1,
                                     .a = part(0),
                                     .b = part(1),
                                     .c = part(2)});
       }},
      {"copy_to_host", [=] { cuda::copy_to_host(s->device, s->host.data(), s->values.data, bytes); }},
      {"check", [=] { CHECK(s->host[size_t{2} * kRowTile] == 2); }},
      {"fill_zero", [=] { cuda::fill_zero(s->device, s->values.data, bytes); }},
      {"transpose", [=] { transpose(s->device, {.rows = 1, .columns = 1, .from = part(0), .to = part(1)}); }},
      {"synchronize", [=] { cuda::synchronize(s->device); }},
      {"open_side_stream", [=] { s->side = cuda::open_side_stream(s->device); }},
      {"allocate_pinned", [=] { s->pinned = cuda::allocate_pinned(s->device, bytes); }},
      {"enqueue_copy_to_pinned", [=] { cuda::enqueue_copy_to_pinned(s->side, s->pinned, s->values.data, bytes); }},
      {"open_event", [=] { s->event = cuda::open_event(s->device); }},
      {"record", [=] { cuda::record(s->side, s->event); }},
      {"wait", [=] { cuda::wait(s->device, s->event); }},
      {"synchronize an event", [=] { cuda::synchronize(s->device, s->event); }},
      {"enqueue_copy_from_pinned",
       [=] { cuda::enqueue_copy_from_pinned(s->device, s->values.data, s->pinned, bytes); }},
      {"begin_capture", [=] { cuda::begin_capture(s->device); }},
      {"matmul, captured", multiply},
      {"end_capture", [=] { s->work = cuda::end_capture(s->device); }},
      {"launch_captured", [=] { cuda::launch_captured(s->device, s->work); }},
      {"begin_capture again", [=] { cuda::begin_capture(s->device); }},
      {"abandon_capture", [=] { cuda::abandon_capture(s->device); }},
      {"close_captured", [=] { cuda::close_captured(s->device, s->work); }},
      {"close_event", [=] { cuda::close_event(s->device, s->event); }},
      {"release_pinned", [=] { cuda::release_pinned(s->device, s->pinned); }},
      {"release", [=] { cuda::release(s->device, s->values.data); }},
      {"close a side stream", [=] { cuda::close(s->side); }},
      {"close", [=] { cuda::close(s->device); }},
  };
}

TEST_CASE("every function of a context works on its device, whatever the thread used last, and touches no other") {
  for (const bool new_thread : {false, true}) {
    for (const auto& [name, step] : steps_on_device_1()) {
      CAPTURE(name);
      CAPTURE(new_thread);
      cudaSetDevice(0);
      const int64_t before = simt::uses(0);
      std::string error;
      const auto run = [&error, &action = step] {
        try {
          action();
        } catch (const Error& thrown) {
          error = thrown.what();
        }
      };
      if (new_thread) {
        std::thread(run).join();
      } else {
        run();
      }
      CHECK(error == "");
      CHECK(simt::uses(0) == before);
    }
  }
  cudaSetDevice(0);
}

__global__ void write_one(float* to) { *to = 1; }

cudaError_t launch_on(cudaStream_t stream, float* to) {
  cudaLaunchConfig_t config = {};
  config.stream = stream;
  return cudaLaunchKernelEx(&config, write_one, to);
}

/// A stream, an event, a piece of memory and a captured launch of one device.
struct Objects {
  cudaStream_t stream = nullptr;
  cudaEvent_t event = nullptr;
  float* memory = nullptr;
  cudaGraphExec_t work = nullptr;
  cublasLtHandle_t handle = nullptr;

  explicit Objects(int device) {
    cudaSetDevice(device);
    cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
    cudaEventCreate(&event);
    cudaMalloc(reinterpret_cast<void**>(&memory), 2 * sizeof(float));
    cudaGraph_t graph = nullptr;
    cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal);
    launch_on(stream, memory);
    cudaStreamEndCapture(stream, &graph);
    cudaGraphInstantiate(&work, graph, 0);
    cudaGraphDestroy(graph);
    cublasLtCreate(&handle);
  }
  ~Objects() {
    cublasLtDestroy(handle);
    cudaGraphExecDestroy(work);
    cudaFree(memory);
    cudaEventDestroy(event);
    cudaStreamDestroy(stream);
  }
  Objects(const Objects&) = delete;
  Objects& operator=(const Objects&) = delete;
};

TEST_CASE("what is of another device than the current one is refused, except for copies and waits") {
  const Objects zero(0), one(1);
  for (const auto& [own, other] : {std::pair(&one, &zero), std::pair(&zero, &one)}) {
    cudaSetDevice(own == &one ? 1 : 0);
    CHECK(launch_on(own->stream, own->memory) == cudaSuccess);
    CHECK(launch_on(other->stream, own->memory) == cudaErrorInvalidResourceHandle);
    CHECK(cudaMemsetAsync(own->memory, 0, 8, own->stream) == cudaSuccess);
    CHECK(cudaMemsetAsync(own->memory, 0, 8, other->stream) == cudaErrorInvalidResourceHandle);
    CHECK(cudaGraphLaunch(own->work, own->stream) == cudaSuccess);
    CHECK(cudaGraphLaunch(other->work, own->stream) == cudaErrorInvalidResourceHandle);
    CHECK(cudaGraphLaunch(own->work, other->stream) == cudaErrorInvalidResourceHandle);
    CHECK(cudaStreamBeginCapture(other->stream, cudaStreamCaptureModeThreadLocal) == cudaErrorInvalidResourceHandle);
    CHECK(cudaEventRecord(own->event, own->stream) == cudaSuccess);
    CHECK(cudaEventRecord(other->event, own->stream) == cudaErrorInvalidResourceHandle);
    CHECK(cudaEventRecord(other->event, other->stream) == cudaErrorInvalidResourceHandle);
    CHECK(cudaStreamWaitEvent(own->stream, other->event, 0) == cudaSuccess);
    CHECK(cudaEventSynchronize(other->event) == cudaSuccess);
    CHECK(cudaStreamSynchronize(other->stream) == cudaSuccess);
    std::vector<float> host(2);
    CHECK(cudaMemcpyAsync(host.data(), other->memory, 8, cudaMemcpyDeviceToHost, other->stream) == cudaSuccess);
    cublasLtMatmulHeuristicResult_t result;
    int found = 0;
    CHECK(cublasLtMatmulAlgoGetHeuristic(other->handle, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, 1,
                                         &result, &found) == CUBLAS_STATUS_INVALID_VALUE);
    float milliseconds = 0;
    CHECK(cudaEventElapsedTime(&milliseconds, own->event, other->event) == cudaErrorInvalidResourceHandle);
  }
  cudaGetLastError();
  cudaSetDevice(0);
}

struct Argument {
  int32_t number;
  Span<float> values;
};
__global__ void write_two(Argument argument) { argument.values[0] = 2; }

TEST_CASE("memory of another device is reported") {
  const Objects zero(0), one(1);  // device 1 is current
  const std::vector<float> host = {1, 2, 3};
  const auto copy = [&](float* to, size_t bytes) {
    return cudaMemcpyAsync(to, host.data(), bytes, cudaMemcpyHostToDevice, one.stream);
  };
  CHECK(copy(one.memory, 8) == cudaSuccess);
  CHECK(copy(one.memory + 1, 8) == cudaErrorInvalidValue);  // runs over the end
  CHECK_THROWS_WITH_AS(copy(zero.memory, 8), doctest::Contains("a copy on device 1 touches memory of device 0"), Error);
  CHECK_THROWS_WITH_AS(cudaMemsetAsync(zero.memory, 0, 8, one.stream),
                       doctest::Contains("a fill on device 1 touches memory of device 0"), Error);
  CHECK_THROWS_WITH_AS(launch_on(one.stream, zero.memory + 1),
                       doctest::Contains("a kernel on device 1 touches memory of device 0"), Error);
  cudaLaunchConfig_t config = {};
  config.stream = one.stream;
  CHECK(cudaLaunchKernelEx(&config, write_two, Argument{1, {one.memory, 2}}) == cudaSuccess);
  CHECK_THROWS_WITH_AS(cudaLaunchKernelEx(&config, write_two, Argument{1, {zero.memory, 2}}),
                       doctest::Contains("a kernel on device 1 touches memory of device 0"), Error);
  cudaGetLastError();
  cudaSetDevice(0);
}

TEST_CASE("there are as many devices as NOTNOT_SIMT_DEVICES says") {
  const std::string before = simt::environment("NOTNOT_SIMT_DEVICES", "");
  int count = 0;
  setenv("NOTNOT_SIMT_DEVICES", "3", 1);
  CHECK(cudaGetDeviceCount(&count) == cudaSuccess);
  CHECK(count == 3);
  CHECK(cudaSetDevice(2) == cudaSuccess);
  CHECK(cudaSetDevice(3) == cudaErrorInvalidDevice);
  for (const char* wrong : {"0", "-1", "17", "two", "2 "}) {
    setenv("NOTNOT_SIMT_DEVICES", wrong, 1);
    CHECK_THROWS_WITH_AS(cudaGetDeviceCount(&count), doctest::Contains("a whole number from 1 to 16"), Error);
  }
  setenv("NOTNOT_SIMT_DEVICES", before.c_str(), 1);  // empty counts as not set
  cudaSetDevice(0);
  cudaGetLastError();
}

}  // namespace
}  // namespace notnot
