// CUDA events, kernels that prepare a measurement, and a device's limits from its attributes.
#include "bench/measuring.h"
#include "kernels/base/launch.cuh"

namespace notnot::bench::gpu {
namespace {

constexpr int kThreads = 256;
constexpr int kBusySteps = 1 << 17;  // 4 clocks each: 0.26 ms at 2 GHz

/// One thread computes a chain of products and touches no memory: its value stays between 1 and 2.
__global__ void busy_kernel(float* never) {
  float value = 1;
  for (int i = 0; i < kBusySteps; ++i) value = fmaf(value, 0.5F, 0.75F);
  if (value < 0) *never = value;
}

/// Reads zeros.
__global__ void __launch_bounds__(kThreads) read_kernel(const float4* values, int64_t count, float* never) {
  float sum = 0;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count; i += int64_t{gridDim.x} * kThreads) {
    const float4 four = values[i];
    sum += four.x + four.y + four.z + four.w;
  }
  if (sum != 0) *never = sum;
}

/// Fused multiply-adds of an SM in a clock: fp32, and dense bf16 products that are summed in fp32.
struct PerClock {
  double fp32, bf16;
};

/// From NVIDIA's CUDA programming guide (arithmetic throughput) and data sheets. Where cards of one compute capability
/// differ the higher rate stands here, and for an unknown one the highest of all: a floor may be too low, never too
/// high.
PerClock per_clock(const DeviceInfo& info) {
  switch (10 * info.compute_major + info.compute_minor) {
    case 80:
      return {64, 1024};
    case 86:
    case 89:
    case 120:
      return {128, 512};
    case 90:
      return {128, 2048};
    default:
      return {128, 4096};
  }
}

}  // namespace

struct EventPair {
  cudaStream_t stream = nullptr;
  cudaEvent_t start = nullptr, stop = nullptr;
};

EventPair* open_events(const Device& device) {
  NOTNOT_CUDA_CHECK(cudaSetDevice(device.ordinal));
  auto events = std::make_unique<EventPair>();
  events->stream = device.stream;
  NOTNOT_CUDA_CHECK(cudaEventCreate(&events->start));
  NOTNOT_CUDA_CHECK(cudaEventCreate(&events->stop));
  return events.release();
}

void close_events(EventPair* events) noexcept {
  cudaEventDestroy(events->start);
  cudaEventDestroy(events->stop);
  delete events;
}

void record_start(const Device& device, EventPair& events) {
  cuda::launch(device, "busy_kernel", {dim3(1), dim3(1)}, busy_kernel, nullptr);
  NOTNOT_CUDA_CHECK(cudaEventRecord(events.start, events.stream));
}

void read_all(const Device& device, const void* memory, size_t bytes) {
  cuda::launch(device, "read_kernel", {dim3(8 * device.multiprocessors), dim3(kThreads)}, read_kernel,
               static_cast<const float4*>(memory), static_cast<int64_t>(bytes / sizeof(float4)), nullptr);
}

double elapsed_microseconds(EventPair& events) {
  float milliseconds = 0;
  NOTNOT_CUDA_CHECK(cudaEventRecord(events.stop, events.stream));
  NOTNOT_CUDA_CHECK(cudaEventSynchronize(events.stop));
  NOTNOT_CUDA_CHECK(cudaEventElapsedTime(&milliseconds, events.start, events.stop));
  return 1e3 * static_cast<double>(milliseconds);
}

Limits limits_of(const Device& device) {
  const auto attribute = [&](cudaDeviceAttr name) {
    int value = 0;
    NOTNOT_CUDA_CHECK(cudaDeviceGetAttribute(&value, name, device.ordinal));
    return static_cast<double>(value);
  };
  Limits limits;
  limits.clocks_per_second = 1e3 * attribute(cudaDevAttrClockRate);
  const PerClock rates = per_clock(cuda::describe(device.ordinal));
  const double clocks = 2 * device.multiprocessors * limits.clocks_per_second;  // a fused operation is two
  limits.flop_per_second = rates.fp32 * clocks;
  limits.tensor_flop_per_second = rates.bf16 * clocks;
  limits.bytes_per_second =
      2e3 * attribute(cudaDevAttrMemoryClockRate) * attribute(cudaDevAttrGlobalMemoryBusWidth) / 8;
  limits.source =
      fmt::format("{} multiprocessors at {:.0f} MHz", device.multiprocessors, 1e-6 * limits.clocks_per_second);
  return limits;
}

int64_t memory_in_use([[maybe_unused]] const Device& device) {
#if defined(NOTNOT_SIMT)
  throw Error("the emulator has no device memory to measure");
#else
  size_t available = 0, total = 0;
  NOTNOT_CUDA_CHECK(cudaSetDevice(device.ordinal));
  NOTNOT_CUDA_CHECK(cudaMemGetInfo(&available, &total));
  return static_cast<int64_t>(total - available);
#endif
}

}  // namespace notnot::bench::gpu
