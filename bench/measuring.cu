// CUDA events, and a device's limits from its attributes.
#include "bench/measuring.h"
#include "kernels/base/launch.cuh"

namespace notnot::bench::gpu {

struct EventPair {
  cudaStream_t stream = nullptr;
  cudaEvent_t start = nullptr, stop = nullptr;
};

EventPair* open_events(const Device& device) {
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

void record_start(EventPair& events) { NOTNOT_CUDA_CHECK(cudaEventRecord(events.start, events.stream)); }

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
  limits.flop_per_second = 2 * 128 * device.multiprocessors * limits.clocks_per_second;
  limits.tensor_flop_per_second =
      limits.flop_per_second * (cuda::describe(device.ordinal).compute_major >= 9 ? 2048 : 1024) / 128;
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
