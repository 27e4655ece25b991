#include "experiments/terminal/progress_bar.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <string>

#include "engine/io/text.h"
#include "experiments/format/numbers.h"

namespace notnot {

using Clock = std::chrono::steady_clock;

ProgressBar::ProgressBar() : terminal_(isatty(STDOUT_FILENO) == 1) {}

ProgressBar::~ProgressBar() { clear(); }

bool ProgressBar::due() const { return terminal_ && Clock::now() - drawn_ > std::chrono::milliseconds(100); }

void ProgressBar::draw(double done, double total, std::string_view text, double seconds_left) {
  constexpr int width = 30;
  const int filled = width * done / total;
  fmt::print("\r[{:{}}] {:3.0f} % {}, {} left\033[K", std::string(filled, '='), width, std::floor(100 * done / total),
             printable(text), clock_time(seconds_left));
  std::fflush(stdout);
  drawn_ = Clock::now();
}

void ProgressBar::clear() {
  if (terminal_) fmt::print("\r\033[K");
  drawn_ = {};
}

}  // namespace notnot
