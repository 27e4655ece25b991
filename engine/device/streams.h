#pragma once
// These classes keep a device busy while the host prepares more work: pinned memory, a second stream, events between
// streams, and work that is captured once and launched as a whole from then on. On the CPU a call returns when its work
// is done; there they are ordinary memory, the same context, nothing, and a plain call.
#include <algorithm>
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
  /// Enqueues on `device`'s stream a copy of device memory to the beginning of this.
  void enqueue_copy_of(const Device& device, const void* from, size_t bytes) const;

 private:
  Device device_;
  size_t size_ = 0;
  std::byte* data_ = nullptr;
};

/// Host arrays that go to the device together, in one copy. They are packed one behind the other in pinned memory, so
/// that the host does not wait for the transfer, and lie in the same places of a block of device memory.
class Upload {
 public:
  static constexpr int64_t kAlignment = 64;  ///< every array of an upload takes a multiple of these bytes
  /// The bytes that an array of `size` elements of four bytes takes.
  static constexpr int64_t packed_bytes(int64_t size) { return (size * 4 + kAlignment - 1) / kAlignment * kAlignment; }
  /// `block` is the device memory.
  Upload(const Device& device, Span<std::byte> block) : memory_(device, block.size), block_(block) {}
  /// Starts again at the beginning of the memory. What was uploaded before must have arrived, and may no longer be in
  /// use.
  void restart() { used_ = 0; }

  template <class T>
  struct Array {
    Span<T> host;    ///< to be filled before enqueue()
    Span<T> device;  ///< the array once it has arrived
  };
  /// Makes room for an array. Throws Error when the block is full.
  template <class T>
  Array<T> reserve(int64_t size) {
    static_assert(sizeof(T) == 4);
    const int64_t at = take(size);
    return {{reinterpret_cast<T*>(memory_.data() + at), size}, {reinterpret_cast<T*>(block_.data + at), size}};
  }
  /// Adds a copy of `from`, and zeros behind it up to `size` elements.
  template <class T>
  Span<const T> add(const std::vector<T>& from, int64_t size) {
    NOTNOT_CHECK(std::ssize(from) <= size, "{} elements for an array of {}", from.size(), size);
    const Array<T> array = reserve<T>(size);
    std::fill(std::copy(from.begin(), from.end(), array.host.data), array.host.data + size, T{0});
    return array.device;
  }
  template <class T>
  Span<const T> add(const std::vector<T>& from) {
    return add(from, std::ssize(from));
  }
  /// Enqueues the copy on `device`'s stream.
  void enqueue(const Device& device) const;

 private:
  int64_t take(int64_t size);

  PinnedMemory memory_;
  Span<std::byte> block_;
  int64_t used_ = 0;
};

/// A second stream beside the one of a context, for work that overlaps with that.
class SideStream {
 public:
  enum class Products : uint8_t { none, own_workspace };  ///< whether it can compute matrix products
  explicit SideStream(const Device& device, Products products = Products::none);
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
  void record(const Device& device) const;
  /// Work that is enqueued on `device` from now on waits for the event.
  void make_wait(const Device& device) const;
  /// The calling thread waits for the event.
  void wait() const;

 private:
  Device device_;
  CUevent_st* event_ = nullptr;
};

/// Work that runs beside that of a context, the trunk: from a fork, after which it waits for the trunk's work so far,
/// to the join, after which the trunk waits for it. A branch may be captured with its trunk, and then becomes a branch
/// of the graph. What a branch writes, the trunk may not touch between the two, and the other way round.
class Branch {
 public:
  explicit Branch(const Device& trunk)
      : trunk_(trunk), stream_(trunk, SideStream::Products::own_workspace), event_(trunk) {}
  /// The context to enqueue the branch's work with.
  const Device& device() const { return stream_.device(); }
  void fork() const { order(trunk_, device()); }
  void join() const { order(device(), trunk_); }

 private:
  void order(const Device& before, const Device& after) const {
    event_.record(before);
    event_.make_wait(after);
  }

  Device trunk_;
  SideStream stream_;
  Event event_;
};

/// A CUDA graph per key. The key must hold every size, address and constant; whatever else changes between calls must
/// lie in device memory. The first call with a key runs the work as it is, which also loads its kernels and picks its
/// GEMM algorithms. The second call captures it, and from then on it is one launch. Sizes that come up only once are
/// never captured. When there are kMostGraphs, more keys run as they are.
class CapturedWork {
 public:
  using Key = std::vector<int64_t>;
  static constexpr int64_t kMostGraphs = 512;
  /// Of device memory for a graph of some 40 kernels: an estimate, not yet measured.
  static constexpr int64_t kGraphBytes = int64_t{128} << 10;
  explicit CapturedWork(const Device& device) : device_(device) {}
  CapturedWork(CapturedWork&& other) noexcept;
  CapturedWork& operator=(CapturedWork&&) = delete;
  ~CapturedWork();
  /// `enqueue` may enqueue on this context's stream and on branches of it, and may not wait.
  void run(const Key& key, const std::function<void()>& enqueue);
  /// The number of keys whose work is captured.
  int64_t captured() const { return captured_; }
  /// Forgets everything, because something changed that is in no key. Nothing that was launched may still run.
  void clear() noexcept;

 private:
  CUgraphExec_st* capture(const std::function<void()>& enqueue) const;

  Device device_;
  std::map<Key, CUgraphExec_st*> work_;  ///< null: the key came up, and is not captured
  int64_t captured_ = 0;
};

}  // namespace notnot
