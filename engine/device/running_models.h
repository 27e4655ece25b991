#pragma once
// How many models of this process compute on a device at the moment.
#include <atomic>
#include <memory>

#include "kernels/base/device.h"

namespace notnot {

/// Counts one model, from its construction to its destruction. The counts belong to the process, as the devices do.
class RunningModel {
 public:
  explicit RunningModel(const Device& device);
  RunningModel(RunningModel&&) noexcept = default;
  RunningModel& operator=(RunningModel&&) = delete;
  ~RunningModel();
  /// The models that compute on the device now, this one included, rounded up to a power of two: so it changes seldom.
  int on_device() const;

 private:
  std::shared_ptr<std::atomic<int>> count_;
};

}  // namespace notnot
