#include "engine/device/streams.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace notnot {
namespace {

bool is_cuda(const Device& device) { return device.backend == Backend::cuda; }

}  // namespace

PinnedMemory::PinnedMemory(const Device& device, size_t bytes) : device_(device), size_(bytes) {
  if (bytes == 0) return;
  data_ = static_cast<std::byte*>(is_cuda(device) ? cuda::allocate_pinned(device, bytes) : allocate(device, bytes));
}

PinnedMemory::PinnedMemory(PinnedMemory&& other) noexcept
    : device_(other.device_), size_(other.size_), data_(std::exchange(other.data_, nullptr)) {}

PinnedMemory::~PinnedMemory() {
  if (data_ == nullptr) return;
  if (is_cuda(device_)) {
    cuda::release_pinned(device_, data_);
  } else {
    release(device_, data_);
  }
}

void PinnedMemory::enqueue_copy_of(const void* from, size_t bytes) {
  NOTNOT_CHECK(bytes <= size_, "{} bytes for {}", bytes, size_);
  if (is_cuda(device_)) return cuda::enqueue_copy_to_pinned(device_, data_, from, bytes);
  copy_to_host(device_, data_, from, bytes);
}

void Upload::add(const Device& device, void* to, const void* from, size_t bytes) {
  NOTNOT_CHECK(used_ + bytes <= memory_.size(), "{} bytes more than the {} that are left of an upload", bytes,
               memory_.size() - used_);
  if (bytes == 0) return;
  std::memcpy(memory_.data() + used_, from, bytes);
  if (is_cuda(device)) {
    cuda::enqueue_copy_from_pinned(device, to, memory_.data() + used_, bytes);
  } else {
    copy_to_device(device, to, memory_.data() + used_, bytes);
  }
  used_ += (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

SideStream::SideStream(const Device& device) : device_(is_cuda(device) ? cuda::open_side_stream(device) : device) {}

SideStream::SideStream(SideStream&& other) noexcept : device_(std::exchange(other.device_, Device{})) {}

SideStream::~SideStream() {
  if (is_cuda(device_)) cuda::close(device_);
}

Event::Event(const Device& device) : device_(device), event_(is_cuda(device) ? cuda::open_event(device) : nullptr) {}

Event::Event(Event&& other) noexcept : device_(other.device_), event_(std::exchange(other.event_, nullptr)) {}

Event::~Event() {
  if (event_ != nullptr) cuda::close_event(device_, event_);
}

void Event::record(const Device& device) {
  if (event_ != nullptr) cuda::record(device, event_);
}

void Event::make_wait(const Device& device) const {
  if (event_ != nullptr) cuda::wait(device, event_);
}

void Event::wait() const {
  if (event_ != nullptr) cuda::synchronize(device_, event_);
}

CapturedWork::CapturedWork(CapturedWork&& other) noexcept
    : device_(other.device_), work_(std::exchange(other.work_, {})) {}

CapturedWork::~CapturedWork() {
  for (const auto& [key, work] : work_) {
    if (work != nullptr) cuda::close_captured(device_, work);
  }
}

void CapturedWork::run(const Key& key, const std::function<void()>& enqueue) {
  if (!is_cuda(device_)) return enqueue();
  const auto [at, first] = work_.try_emplace(key, nullptr);
  if (first) return enqueue();
  if (at->second == nullptr) at->second = capture(enqueue);
  cuda::launch_captured(device_, at->second);
}

int64_t CapturedWork::captured() const {
  return std::count_if(work_.begin(), work_.end(), [](const auto& entry) { return entry.second != nullptr; });
}

CUgraphExec_st* CapturedWork::capture(const std::function<void()>& enqueue) const {
  cuda::begin_capture(device_);
  try {
    enqueue();
  } catch (...) {
    cuda::abandon_capture(device_);
    throw;
  }
  return cuda::end_capture(device_);
}

}  // namespace notnot
