#include "engine/device/running_models.h"

#include <bit>
#include <map>
#include <mutex>
#include <utility>

namespace notnot {
namespace {

std::shared_ptr<std::atomic<int>> count_of(const Device& device) {
  static std::mutex mutex;
  static std::map<std::pair<Backend, int>, std::shared_ptr<std::atomic<int>>> counts;
  const std::lock_guard lock(mutex);
  auto& count = counts[{device.backend, device.ordinal}];
  if (count == nullptr) count = std::make_shared<std::atomic<int>>(0);
  return count;
}

}  // namespace

RunningModel::RunningModel(const Device& device) : count_(count_of(device)) { ++*count_; }

RunningModel::~RunningModel() {
  if (count_ != nullptr) --*count_;
}

int RunningModel::on_device() const { return static_cast<int>(std::bit_ceil(static_cast<unsigned>(count_->load()))); }

}  // namespace notnot
