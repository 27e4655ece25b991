#pragma once
// Devices by the names that users give them, and their lifetime.
#include <string>

#include "kernels/base/available_threads.h"
#include "kernels/base/device.h"

namespace notnot {

/// A device context that is closed with its owner. Each model of a fleet opens one of its own.
class OpenDevice {
 public:
  /// `name`: "auto" (the first CUDA device that can be used, otherwise the CPU; if a card exists and cannot be used, a
  /// warning says why), "cpu", "cuda" or "cuda:<number>". `threads` is for the CPU. On CUDA every context has a stream
  /// of its own. Throws InputError when the name is unknown, or when CUDA is asked for and cannot be used, with the
  /// reason.
  OpenDevice(const std::string& name, int threads);
  ~OpenDevice();
  OpenDevice(OpenDevice&& other) noexcept;
  OpenDevice& operator=(OpenDevice&&) = delete;
  OpenDevice(const OpenDevice&) = delete;
  OpenDevice& operator=(const OpenDevice&) = delete;

  const Device& get() const { return device_; }
  /// "cpu (avx512)" or "cuda:0 (NVIDIA H200)": for config.json and messages.
  std::string description() const;
  /// On CUDA, the queues that the device has for this process's streams (CUDA_DEVICE_MAX_CONNECTIONS); otherwise empty.
  std::string connections() const;

 private:
  Device device_;
};

/// The output of `notnot devices`: the CPU with its instruction set and threads, and each CUDA device, or the reason
/// why there is none or why it cannot be used.
std::string describe_devices();

}  // namespace notnot
