#pragma once
// Device memory: one allocation carved into named spans from a table that can be printed before anything is allocated.
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kernels/base/device.h"

namespace notnot {

/// One row of the memory table.
struct MemoryRow {
  std::string group;  ///< e.g. "parameters", "activations"
  std::string name;
  std::vector<int64_t> shape;
  int64_t bytes = 0;
};

/// The table as text: a line per row, a sum per group, the total.
std::string format_memory_table(const std::vector<MemoryRow>& rows);
int64_t total_bytes(const std::vector<MemoryRow>& rows);

/// Buffers are declared with `add` (nothing is allocated), then `allocate` makes one zeroed block and points every span
/// into it. The Arena owns the block; the spans it filled must not outlive it.
class Arena {
 public:
  Arena() = default;
  Arena(Arena&& other) noexcept { swap(other); }
  Arena& operator=(Arena&& other) noexcept {
    swap(other);
    return *this;
  }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena();

  /// Declares an array of this shape. `allocate` sets `span`, which must stay at its address until then. A shape
  /// without elements leaves it empty. `group` and `name` stand in the table.
  template <class T>
  void add(const std::string& group, const std::string& name, const std::vector<int64_t>& shape, Span<T>* span) {
    int64_t elements = 1;
    for (const int64_t extent : shape) elements *= extent;
    declare(group, name, shape, elements * sizeof(T), [span, elements](void* at) {
      *span = {static_cast<T*>(at), elements};
      return elements * sizeof(T);
    });
  }
  const std::vector<MemoryRow>& table() const { return table_; }
  /// Throws OutOfMemory, which names the total, if the device has less memory than that.
  void allocate(const Device& device);

 private:
  using Assign = std::function<int64_t(void*)>;  ///< sets the span, returns its bytes
  void declare(std::string group, std::string name, std::vector<int64_t> shape, int64_t bytes, Assign assign);
  void swap(Arena& other) noexcept;

  Device device_;
  void* block_ = nullptr;
  std::vector<MemoryRow> table_;
  std::vector<Assign> assign_;
};

}  // namespace notnot
