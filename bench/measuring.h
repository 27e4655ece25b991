#pragma once
// A timer for the kernels of a device, and the device's limits, from which floors are counted.
#include <memory>
#include <string>

#include "kernels/base/device.h"

namespace notnot::bench {

/// Times the work that is enqueued between start and stop: by CUDA events on the device's stream, by a steady clock on
/// the CPU.
class Timer {
 public:
  explicit Timer(const Device& device);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  /// CUDA: keeps the device busy for a quarter of a millisecond, without touching its caches, and enqueues an event
  /// behind that. Meanwhile the host enqueues the timed work, so the measured time contains none of the host's.
  void start();
  /// Waits for the device; microseconds.
  double stop();

 private:
  struct Events;
  const Device& device_;
  std::unique_ptr<Events> events_;
};

/// Memory several times as large as the caches between the kernels and memory: empties them by reading it all. What it
/// leaves in the caches has not been written, so that no write-back of it falls into the next measured time.
class CacheFlush {
 public:
  explicit CacheFlush(const Device& device);
  ~CacheFlush();
  CacheFlush(const CacheFlush&) = delete;
  CacheFlush& operator=(const CacheFlush&) = delete;
  /// On CUDA the call only enqueues the reading.
  void empty_caches() const;
  /// CUDA: works until the device has left its idle clocks, to which it goes down while only the host works.
  void raise_clocks() const;

 private:
  const Device& device_;
  void* memory_;
};

struct Limits {
  double flop_per_second = 0, bytes_per_second = 0;
  double tensor_flop_per_second = 0;  ///< of products of bf16 matrices; 0 on the CPU
  double clocks_per_second = 0;       ///< of a multiprocessor; 0 on the CPU
  std::string source;                 ///< how they were found
};

/// CUDA: counted from the driver's clock rates (128 FMA per clock and multiprocessor; on its tensor cores 1,024, from
/// Hopper on 2,048) and from the memory bus. CPU: measured here, the best of a large matrix product and of a large
/// copy.
Limits limits_of(const Device& device);

/// Bytes in use. On CUDA: of the device's memory, by all processes. On the CPU: this process' resident memory. The
/// difference of two calls is what was allocated between them.
int64_t memory_in_use(const Device& device);

// Defined in measuring.cu; in a build without CUDA, measuring_no_cuda.cpp has a stub.
namespace gpu {
struct EventPair;
EventPair* open_events(const Device& device);
void close_events(EventPair* events) noexcept;
/// Enqueues the busy work and the event of Timer::start.
void record_start(const Device& device, EventPair& events);
void read_all(const Device& device, const void* memory, size_t bytes);
double elapsed_microseconds(EventPair& events);
Limits limits_of(const Device& device);
int64_t memory_in_use(const Device& device);
}  // namespace gpu

}  // namespace notnot::bench
