#include "experiments/terminal/bytes_progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace notnot {
namespace {

using Clock = std::chrono::steady_clock;

double megabytes(uint64_t bytes) { return static_cast<double>(bytes) / 1e6; }

}  // namespace

BytesProgressDisplay::BytesProgressDisplay() : terminal_(isatty(STDOUT_FILENO) == 1) {}

BytesProgressDisplay::~BytesProgressDisplay() {
  if (terminal_) fmt::print("\r\033[K");
}

void BytesProgressDisplay::show(std::string_view what, uint64_t done, uint64_t total) {
  const auto now = Clock::now();
  if (what_ != what) {
    what_ = what;
    start_ = now;
    drawn_ = {};
  }
  const double seconds = std::chrono::duration<double>(now - start_).count();
  if (done == total) {
    fmt::print("{}read {}: {:.1f} MB in {:.1f} s\n", terminal_ ? "\r\033[K" : "", what_, megabytes(total), seconds);
  } else if (terminal_ && now - drawn_ > std::chrono::milliseconds(100)) {
    drawn_ = now;
    draw(done, total, seconds);
  } else {
    return;
  }
  std::fflush(stdout);
}

void BytesProgressDisplay::draw(uint64_t done, uint64_t total, double seconds) {
  constexpr uint64_t kWidth = 30;
  const uint64_t filled = kWidth * done / total;
  const auto left = static_cast<int64_t>(seconds * static_cast<double>(total - done) / static_cast<double>(done));
  fmt::print("\r[{}{}] {:3} % {}: {:.0f} of {:.0f} MB, {}:{:02} left\033[K", std::string(filled, '='),
             std::string(kWidth - filled, ' '), 100 * done / total, what_, megabytes(done), megabytes(total), left / 60,
             left % 60);
}

}  // namespace notnot
