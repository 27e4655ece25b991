#include "engine/device/resident_memory.h"

#include <cstdlib>
#include <fstream>
#include <string>

namespace notnot {

int64_t resident_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::strtoll(line.c_str() + 6, nullptr, 10) * 1024;
  }
  return 0;
}

}  // namespace notnot
