#pragma once
// These classes keep a device busy while the host prepares more work: pinned memory, a second stream, events between
// streams, and work that is captured once and launched as a whole from then on. On the CPU a call returns when its work
// is done; there they are ordinary memory, the same context, nothing, and a plain call.
#include <functional>
#include <map>
#include <vector>

#include "kernels/base/operation.h"

namespace notnot {

/// Host memory that the device copies to and from by itself. Throws OutOfMemory when there is not enough.
class PinnedMemory {
 public:
  PinnedMemory(const Device& device, size_t bytes);
  PinnedMemory(PinnedMemory&& other) noexcept;
  PinnedMemory& operator=(PinnedMemory&&) = delete;
  ~PinnedMemory();
  std::byte* data() const { return data_; }
  size_t size() const { return size_; }
  /// Enqueues a copy of device memory to the beginning of this.
  void enqueue_copy_of(const void* from, size_t bytes);

 private:
  Device device_;
  size_t size_ = 0;
  std::byte* data_ = nullptr;
};

/// Host arrays on their way to the device. They are copied into pinned memory first, so that the host does not wait for
/// the transfer.
class Upload {
 public:
  static constexpr size_t kAlignment = 16;  ///< every array of an upload takes a multiple of these bytes
  Upload(const Device& device, size_t bytes) : memory_(device, bytes) {}
  /// Starts again at the beginning of the memory. Everything that was uploaded must have arrived.
  void restart() { used_ = 0; }
  /// Enqueues a copy of `from` on `device`'s stream. Throws Error when the memory of this upload is used up, or `to` is
  /// too small.
  template <class T>
  void add(const Device& device, const Span<T>& to, const std::vector<T>& from) {
    NOTNOT_CHECK_SIZE(to, from.size());
    add(device, to.data, from.data(), from.size() * sizeof(T));
  }

 private:
  void add(const Device& device, void* to, const void* from, size_t bytes);

  PinnedMemory memory_;
  size_t used_ = 0;
};

/// A second stream beside the one of a context, for work that overlaps with that. It has no GEMM.
class SideStream {
 public:
  explicit SideStream(const Device& device);
  SideStream(SideStream&& other) noexcept;
  SideStream& operator=(SideStream&&) = delete;
  ~SideStream();
  const Device& device() const { return device_; }

 private:
  Device device_;
};

/// A point in a stream's work.
class Event {
 public:
  explicit Event(const Device& device);
  Event(Event&& other) noexcept;
  Event& operator=(Event&&) = delete;
  ~Event();
  /// The event is reached when everything that was enqueued on `device` so far is done.
  void record(const Device& device);
  /// Work that is enqueued on `device` from now on waits for the event.
  void make_wait(const Device& device) const;
  /// The calling thread waits for the event.
  void wait() const;

 private:
  Device device_;
  CUevent_st* event_ = nullptr;
};

/// A CUDA graph per key. The key must hold every size, address and constant; whatever else changes between calls must
/// lie in device memory. The first call with a key runs the work as it is, which also loads its kernels and picks its
/// GEMM algorithms. The second call captures it, and from then on it is one launch. Sizes that come up only once are
/// never captured.
class CapturedWork {
 public:
  using Key = std::vector<int64_t>;
  explicit CapturedWork(const Device& device) : device_(device) {}
  CapturedWork(CapturedWork&& other) noexcept;
  CapturedWork& operator=(CapturedWork&&) = delete;
  ~CapturedWork();
  /// `enqueue` may enqueue on this context's stream only, and may not wait.
  void run(const Key& key, const std::function<void()>& enqueue);
  /// The number of keys whose work is captured.
  int64_t captured() const;

 private:
  CUgraphExec_st* capture(const std::function<void()>& enqueue) const;

  Device device_;
  std::map<Key, CUgraphExec_st*> work_;  ///< null: the key came up once
};

}  // namespace notnot
