#pragma once
// How a kernel is timed on a device, and the device's limits that a floor is counted from.
#include <memory>
#include <string>

#include "kernels/base/device.h"

namespace notnot::bench {

/// Times what is enqueued between start and stop: CUDA events on the device's stream, a steady clock on the CPU.
class Timer {
 public:
  explicit Timer(const Device& device);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  /// CUDA: enqueues an event and does not wait, so that what follows is enqueued while the device still does what was
  /// before, and none of the host's time is in the device's.
  void start();
  /// Waits for the device; microseconds.
  double stop();

 private:
  struct Events;
  const Device& device_;
  std::unique_ptr<Events> events_;
};

struct Limits {
  double flop_per_second = 0, bytes_per_second = 0;
  double tensor_flop_per_second = 0;  ///< of bf16 matrices; 0 on the CPU
  double clocks_per_second = 0;       ///< of a multiprocessor; 0 on the CPU
  std::string source;                 ///< how they were found
};

/// CUDA: counted from the clocks that the driver reports (128 FMA per clock and multiprocessor, on its tensor cores
/// 1,024 or from Hopper on 2,048; the bus). CPU: the best of a large matrix product and of a large copy, measured here.
Limits limits_of(const Device& device);

/// Bytes in use: of the device's memory by all processes on CUDA, of this process' resident memory on the CPU. A
/// difference of two is what was allocated in between.
int64_t memory_in_use(const Device& device);

// What measuring.cu has, or a stub where there is no CUDA.
namespace gpu {
struct EventPair;
EventPair* open_events(const Device& device);
void close_events(EventPair* events) noexcept;
void record_start(EventPair& events);
double elapsed_microseconds(EventPair& events);
Limits limits_of(const Device& device);
int64_t memory_in_use(const Device& device);
}  // namespace gpu

}  // namespace notnot::bench
