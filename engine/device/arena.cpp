#include "engine/device/arena.h"

#include <numeric>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace notnot {
namespace {

constexpr int64_t kAlignment = 256;  // a CUDA transaction, and no two spans share a cache line

// Under AddressSanitizer a gap that must not be touched follows every span. Device memory is host memory there: the
// CPU's, or the emulator's (cmake/cuda.cmake builds no CUDA with sanitizers).
#if defined(__SANITIZE_ADDRESS__)
constexpr int64_t kGap = kAlignment;
void forbid(void* from, int64_t bytes) { __asan_poison_memory_region(from, bytes); }
void permit(void* from, int64_t bytes) { __asan_unpoison_memory_region(from, bytes); }
#else
constexpr int64_t kGap = 0;
void forbid(void*, int64_t) {}
void permit(void*, int64_t) {}
#endif
int64_t aligned(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

/// Bytes of the block that the table's spans are carved from.
int64_t block_bytes(const std::vector<MemoryRow>& table) { return total_bytes(table) + kGap * table.size(); }

std::string format_row(const std::string& label, const std::string& shape, int64_t bytes) {
  return fmt::format("{:<44} {:<22} {:>12.3f} MiB\n", label, shape, static_cast<double>(bytes) / (1 << 20));
}

}  // namespace

int64_t total_bytes(const std::vector<MemoryRow>& rows) {
  return std::accumulate(rows.begin(), rows.end(), int64_t{0},
                         [](int64_t sum, const MemoryRow& row) { return sum + row.bytes; });
}

std::string format_memory_table(const std::vector<MemoryRow>& rows) {
  std::string text, group;
  int64_t group_bytes = 0;
  const auto close_group = [&] {
    if (!group.empty()) text += format_row(fmt::format("{} together", group), "", group_bytes);
  };
  for (const MemoryRow& row : rows) {
    if (row.group != group) {
      close_group();
      group = row.group;
      group_bytes = 0;
    }
    group_bytes += row.bytes;
    text += format_row(fmt::format("  {} {}", row.group, row.name), fmt::format("[{}]", fmt::join(row.shape, ", ")),
                       row.bytes);
  }
  close_group();
  return text + format_row("total", "", total_bytes(rows));
}

void Arena::declare(std::string group, std::string name, std::vector<int64_t> shape, int64_t bytes, Assign assign) {
  NOTNOT_CHECK(block_ == nullptr, "`{}` is declared after the arena was allocated", name);
  table_.push_back({std::move(group), std::move(name), std::move(shape), aligned(bytes)});
  assign_.push_back(std::move(assign));
}

void Arena::allocate(const Device& device) {
  NOTNOT_CHECK(block_ == nullptr, "the arena is allocated already");
  const size_t bytes = block_bytes(table_);
  device_ = device;
  block_ = notnot::allocate(device, bytes);
  fill_zero(device, block_, bytes);
  synchronize(device);  // the zeros must be there before a gap is forbidden
  auto* at = static_cast<std::byte*>(block_);
  for (size_t i = 0; i < table_.size(); ++i) {
    const int64_t used = assign_[i](at);
    forbid(at + used, table_[i].bytes + kGap - used);
    at += table_[i].bytes + kGap;
  }
  assign_.clear();
}

void Arena::swap(Arena& other) noexcept {
  std::swap(device_, other.device_);
  std::swap(block_, other.block_);
  std::swap(table_, other.table_);
  std::swap(assign_, other.assign_);
}

Arena::~Arena() {
  if (block_ == nullptr) return;
  permit(block_, block_bytes(table_));
  release(device_, block_);
}

}  // namespace notnot
