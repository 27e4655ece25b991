#include "engine/device/streams.h"

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

void PinnedMemory::enqueue_copy_of(const Device& device, const void* from, size_t bytes) const {
  NOTNOT_CHECK(bytes <= size_, "{} bytes for {}", bytes, size_);
  if (is_cuda(device)) return cuda::enqueue_copy_to_pinned(device, data_, from, bytes);
  copy_to_host(device, data_, from, bytes);
}

int64_t Upload::take(int64_t size) {
  const int64_t bytes = packed_bytes(size), at = used_;
  NOTNOT_CHECK(at + bytes <= block_.size, "{} bytes more than the {} that are left of an upload", bytes,
               block_.size - at);
  used_ += bytes;
  return at;
}

void Upload::enqueue(const Device& device) const {
  if (used_ == 0) return;
  if (is_cuda(device)) return cuda::enqueue_copy_from_pinned(device, block_.data, memory_.data(), used_);
  copy_to_device(device, block_.data, memory_.data(), used_);
}

SideStream::SideStream(const Device& device, Products products)
    : device_(is_cuda(device) ? cuda::open_side_stream(device, products == Products::own_workspace) : device) {}

SideStream::SideStream(SideStream&& other) noexcept : device_(std::exchange(other.device_, Device{})) {}

SideStream::~SideStream() {
  if (is_cuda(device_)) cuda::close(device_);
}

Event::Event(const Device& device) : device_(device), event_(is_cuda(device) ? cuda::open_event(device) : nullptr) {}

Event::Event(Event&& other) noexcept : device_(other.device_), event_(std::exchange(other.event_, nullptr)) {}

Event::~Event() {
  if (event_ != nullptr) cuda::close_event(device_, event_);
}

void Event::record(const Device& device) const {
  if (event_ != nullptr) cuda::record(device, event_);
}

void Event::make_wait(const Device& device) const {
  if (event_ != nullptr) cuda::wait(device, event_);
}

void Event::wait() const {
  if (event_ != nullptr) cuda::synchronize(device_, event_);
}

CapturedWork::CapturedWork(CapturedWork&& other) noexcept
    : device_(other.device_), work_(std::exchange(other.work_, {})), captured_(std::exchange(other.captured_, 0)) {}

CapturedWork::~CapturedWork() { clear(); }

void CapturedWork::clear() noexcept {
  for (const auto& [key, work] : work_) {
    if (work != nullptr) cuda::close_captured(device_, work);
  }
  work_.clear();
  captured_ = 0;
}

void CapturedWork::run(const Key& key, const std::function<void()>& enqueue) {
  if (!is_cuda(device_)) return enqueue();
  const auto [at, first] = work_.try_emplace(key, nullptr);
  if (first) return enqueue();
  if (at->second == nullptr) {
    if (captured_ == kMostGraphs) return enqueue();
    at->second = capture(enqueue);
    ++captured_;
  }
  cuda::launch_captured(device_, at->second);
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
