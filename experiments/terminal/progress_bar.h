#pragma once
// A bar with the time left, where the output is a terminal; nothing elsewhere.
#include <chrono>
#include <string_view>

namespace notnot {

/// Not for several threads at once.
class ProgressBar {
 public:
  ProgressBar();
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// Whether a draw() would be worth its time: on a terminal, at once after clear() and then ten times a second.
  bool due() const;
  /// Draws over the current line, for example "[=====     ]  50 % epoch 1.00 of 2, 0:07 left". Only when due().
  void draw(double done, double total, std::string_view text, double seconds_left);
  /// Removes the bar, so that a line can be printed in its place.
  void clear();

 private:
  const bool terminal_;
  std::chrono::steady_clock::time_point drawn_;
};

}  // namespace notnot
