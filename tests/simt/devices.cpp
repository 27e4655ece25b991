#include "tests/simt/devices.h"

#include <array>
#include <atomic>
#include <charconv>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <string_view>

#include "kernels/base/error.h"
#include "tests/simt/emulator.h"

namespace notnot::simt {
namespace {

constexpr int kMostDevices = 16;
std::array<std::atomic<int64_t>, kMostDevices> uses_of;

struct Memory {
  size_t bytes;
  int device;
};
/// Every piece of device memory by its address.
struct Registry {
  std::mutex mutex;
  std::map<uintptr_t, Memory> pieces;
};
Registry& registry() {
  static Registry registry;
  return registry;
}

}  // namespace

int device_count() {
  const std::string text = environment("NOTNOT_SIMT_DEVICES", "2");
  int count = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), count);
  NOTNOT_CHECK(status == std::errc() && end == text.data() + text.size() && count >= 1 && count <= kMostDevices,
               "NOTNOT_SIMT_DEVICES is `{}`; give the number of devices, a whole number from 1 to {}", text,
               kMostDevices);
  return count;
}

void use_current_device() { ++uses_of[static_cast<size_t>(current_device)]; }
int64_t uses(int device) { return uses_of[static_cast<size_t>(device)]; }

void add_memory(void* begin, size_t bytes) {
  const std::lock_guard lock(registry().mutex);
  registry().pieces[reinterpret_cast<uintptr_t>(begin)] = {bytes, current_device};
}

void remove_memory(void* begin) {
  const std::lock_guard lock(registry().mutex);
  registry().pieces.erase(reinterpret_cast<uintptr_t>(begin));
}

bool check_memory(const void* pointer, size_t bytes, int device, const char* by) {
  const auto address = reinterpret_cast<uintptr_t>(pointer);
  const std::lock_guard lock(registry().mutex);
  const auto after = registry().pieces.upper_bound(address);
  if (after == registry().pieces.begin()) return true;
  const auto& [begin, memory] = *std::prev(after);
  if (address >= begin + memory.bytes) return true;  // not device memory
  NOTNOT_CHECK(memory.device == device, "{} on device {} touches memory of device {}", by, device, memory.device);
  return bytes <= begin + memory.bytes - address;
}

void check_parameter(const void* parameter, size_t bytes, int device) {
  for (size_t at = 0; at + sizeof(void*) <= bytes; at += sizeof(void*)) {
    const void* pointer = nullptr;
    std::memcpy(&pointer, static_cast<const char*>(parameter) + at, sizeof pointer);
    check_memory(pointer, 1, device, "a kernel");
  }
}

std::string fault() {
  static const std::set<std::string, std::less<>> known = {
      "", "driver-too-old", "driver-mismatch", "no-permission", "no-kernel-image", "compute-7.5", "first-compute-7.5"};
  std::string name = environment("NOTNOT_SIMT_FAULT", "");
  NOTNOT_CHECK(known.contains(name), "NOTNOT_SIMT_FAULT is `{}`; tests/simt/README.md lists the faults", name);
  return name;
}

}  // namespace notnot::simt
