#include "bench/measuring.h"

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "engine/device/resident_memory.h"
#include "kernels/base/share_out.h"
#include "kernels/cases/device_data.h"
#include "kernels/gemm.h"

namespace notnot::bench {
namespace {

constexpr size_t kFlushBytes = size_t{256} << 20;

/// Seconds of the shortest run, of all runs in a quarter of a second. A limit says what the machine can do, not what it
/// did while something else ran.
template <class Work>
double best_seconds(const Work& work) {
  using Clock = std::chrono::steady_clock;
  double best = 1e30;
  for (const auto start = Clock::now(); Clock::now() - start < std::chrono::milliseconds(250);) {
    const auto begin = Clock::now();
    work();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - begin).count());
  }
  return best;
}

/// Bytes read and written per second beyond the caches: the better of a copy and of an update in place, which on many
/// machines is twice as fast.
double memory_rate(const Device& device) {
  constexpr int64_t kFloats = int64_t{16} << 20, kBlock = 4096;
  std::vector<float> from(kFloats, 1), to(kFloats);
  const auto seconds = [&](const auto& move) {
    return best_seconds([&] {
      parallel_for(device.threads, kFloats / kBlock, kBlock,
                   [&](int32_t block) { move(from.data() + block * kBlock, to.data() + block * kBlock); });
    });
  };
  const double copy = seconds([](const float* block, float* other) { std::copy_n(block, kBlock, other); });
  const double update = seconds([](float* block, float*) {
    for (int64_t i = 0; i < kBlock; ++i) block[i] = -block[i];
  });
  return 2.0 * sizeof(float) * kFloats / std::min(copy, update);
}

Limits cpu_limits(const Device& device) {
  constexpr int32_t kRows = 16 * kRowTile, kWidth = 256;  // two matrices that a core's caches hold
  const DeviceArray<float> a(device, std::vector<float>(size_t{kRows} * kWidth, 1)),
      b(device, std::vector<float>(size_t{kWidth} * kWidth, 1)), c(device, int64_t{kRows} * kWidth);
  const double product = best_seconds(
      [&] { matmul(device, {.rows = kRows, .inner = kWidth, .columns = kWidth, .a = a, .b = b, .c = c}); });
  return {
      .flop_per_second = 2.0 * kRows * kWidth * kWidth / product,
      .bytes_per_second = memory_rate(device),
      .source = fmt::format("measured with {} threads: a matrix product, a copy or update in place", device.threads)};
}

}  // namespace

struct Timer::Events {
  gpu::EventPair* cuda = nullptr;
  std::chrono::steady_clock::time_point start;
};

Timer::Timer(const Device& device) : device_(device), events_(std::make_unique<Events>()) {
  if (device.backend == Backend::cuda) events_->cuda = gpu::open_events(device);
}

Timer::~Timer() {
  if (events_->cuda != nullptr) gpu::close_events(events_->cuda);
}

void Timer::start() {
  if (events_->cuda != nullptr) return gpu::record_start(device_, *events_->cuda);
  events_->start = std::chrono::steady_clock::now();
}

double Timer::stop() {
  if (events_->cuda != nullptr) return gpu::elapsed_microseconds(*events_->cuda);
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - events_->start).count();
}

CacheFlush::CacheFlush(const Device& device) : device_(device), memory_(allocate(device, kFlushBytes)) {
  fill_zero(device, memory_, kFlushBytes);
}

CacheFlush::~CacheFlush() { release(device_, memory_); }

void CacheFlush::empty_caches() const {
  if (device_.backend == Backend::cuda) return gpu::read_all(device_, memory_, kFlushBytes);
  const auto* bytes = static_cast<const volatile char*>(memory_);
  for (size_t i = 0; i < kFlushBytes; i += 64) static_cast<void>(bytes[i]);
}

void CacheFlush::raise_clocks() const {
  using Clock = std::chrono::steady_clock;
  if (device_.backend != Backend::cuda) return;
  for (const auto start = Clock::now(); Clock::now() - start < std::chrono::milliseconds(50);) {
    empty_caches();
    synchronize(device_);
  }
}

int64_t memory_in_use(const Device& device) {
  if (device.backend == Backend::cuda) return gpu::memory_in_use(device);
  malloc_trim(0);  // otherwise freed memory stays resident, and its reuse would not be seen
  return resident_bytes();
}

Limits limits_of(const Device& device) {
  return device.backend == Backend::cuda ? gpu::limits_of(device) : cpu_limits(device);
}

}  // namespace notnot::bench
