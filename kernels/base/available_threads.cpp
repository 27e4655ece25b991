#include "kernels/base/available_threads.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>

namespace notnot {
namespace {

/// The number at the beginning of `text`; nothing if there is none.
std::optional<int64_t> leading_number(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

std::string first_line(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// Processors' worth of `quota` in every `period`, both in microseconds; nothing unless both are above 0.
std::optional<double> processors(std::optional<int64_t> quota, std::optional<int64_t> period) {
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

/// The limit of one group of version 2: its file cpu.max has "QUOTA PERIOD" or "max PERIOD".
std::optional<double> limit_v2(const std::filesystem::path& group) {
  const std::string line = first_line(group / "cpu.max");
  const size_t blank = std::min(line.find(' '), line.size());
  return processors(leading_number(line),
                    leading_number(std::string_view(line).substr(std::min(blank + 1, line.size()))));
}

std::optional<double> limit_v1(const std::filesystem::path& group) {
  return processors(leading_number(first_line(group / "cpu.cfs_quota_us")),
                    leading_number(first_line(group / "cpu.cfs_period_us")));
}

/// The smallest limit of `group` and of the groups above it, up to `root`.
template <class Limit>
std::optional<double> smallest_limit(const std::filesystem::path& root, std::filesystem::path group, Limit limit) {
  std::optional<double> smallest;
  for (;; group = group.parent_path()) {
    const std::optional<double> here = limit(root / group);
    if (here && (!smallest || *here < *smallest)) smallest = here;
    if (group.empty()) return smallest;
  }
}

bool names_controller(std::string_view controllers, std::string_view wanted) {
  while (!controllers.empty()) {
    const size_t comma = std::min(controllers.find(','), controllers.size());
    if (controllers.substr(0, comma) == wanted) return true;
    controllers.remove_prefix(std::min(comma + 1, controllers.size()));
  }
  return false;
}

std::optional<int> threads_of_environment() {
  const char* text = std::getenv("OMP_NUM_THREADS");  // "4", or "4,2": the first number is ours
  const std::optional<int64_t> value = leading_number(text == nullptr ? "" : text);
  if (!value || *value < 1) return std::nullopt;
  return static_cast<int>(std::min<int64_t>(*value, 1024));
}

int allowed_processors() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1U, std::thread::hardware_concurrency());  // more processors than the set can name
}

}  // namespace

std::optional<double> cpu_quota(const std::filesystem::path& groups, const std::filesystem::path& membership) {
  std::optional<double> smallest;
  std::ifstream file(membership);
  // A line is NUMBER:CONTROLLERS:/GROUP; version 2 has no controllers there.
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':'), second = first == line.npos ? line.npos : line.find(':', first + 1);
    if (second == line.npos || line.substr(second + 1, 1) != "/") continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::filesystem::path group = std::filesystem::path(line.substr(second + 2)).lexically_normal();
    std::optional<double> limit;
    if (controllers.empty()) limit = smallest_limit(groups, group, limit_v2);
    if (names_controller(controllers, "cpu")) limit = smallest_limit(groups / "cpu", group, limit_v1);
    if (limit && (!smallest || *limit < *smallest)) smallest = limit;
  }
  return smallest;
}

int available_threads() {
  if (const std::optional<int> wanted = threads_of_environment()) return *wanted;
  const int processors = allowed_processors();
  const std::optional<double> quota = cpu_quota();
  return quota ? std::clamp(static_cast<int>(std::ceil(std::min(*quota, 1e6))), 1, processors) : processors;
}

}  // namespace notnot
