#include "engine/io/memory.h"

#include <fstream>
#include <limits>
#include <string>

#include "engine/io/input_error.h"

namespace notnot {
namespace {

/// In bytes. No limit where the system does not say.
int64_t available_memory() {
  std::ifstream file("/proc/meminfo");
  for (std::string name, unit; file >> name;) {
    int64_t kibibytes = 0;
    if (name == "MemAvailable:" && file >> kibibytes) return kibibytes << 10;
    std::getline(file, unit);
  }
  return std::numeric_limits<int64_t>::max();
}

}  // namespace

void check_memory(int64_t count, int64_t bytes, std::string_view what) {
  constexpr int64_t kNeverTooMuch = int64_t{64} << 20;  // not worth a look at the system
  int64_t all = 0;
  if (__builtin_mul_overflow(count, bytes, &all)) all = std::numeric_limits<int64_t>::max();
  if (all <= kNeverTooMuch) return;
  const int64_t available = available_memory();
  if (all <= available) return;
  throw InputError(
      fmt::format("{} takes {} MiB, and the machine has {} MiB to give; use a smaller file, or a machine "
                  "with more memory",
                  what, all >> 20, available >> 20));
}

}  // namespace notnot
