#include "experiments/terminal/bytes_progress.h"

#include <fmt/format.h>

#include <cstdio>

#include "experiments/terminal/show.h"

namespace notnot {

void BytesProgressDisplay::show(std::string_view name, uint64_t done, uint64_t total) {
  const auto now = std::chrono::steady_clock::now();
  if (name_ != name) {
    name_ = name;
    start_ = now;
  }
  const double seconds = std::chrono::duration<double>(now - start_).count();
  constexpr double megabyte = 1e6;
  if (done == total) {
    bar_.clear();
    notnot::show("read {}: {:.1f} MB in {:.1f} s\n", name_, total / megabyte, seconds);
    std::fflush(stdout);
  } else if (bar_.due()) {
    bar_.draw(done, total, fmt::format("{}: {:.0f} of {:.0f} MB", name_, done / megabyte, total / megabyte),
              done > 0 ? seconds * (total - done) / done : 0);
  }
}

}  // namespace notnot
