#pragma once
// Progress through large files: a bar with the time left where the output is a terminal, otherwise a line per file.
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace notnot {

class BytesProgressDisplay {
 public:
  BytesProgressDisplay();
  ~BytesProgressDisplay();
  BytesProgressDisplay(const BytesProgressDisplay&) = delete;
  BytesProgressDisplay& operator=(const BytesProgressDisplay&) = delete;

  /// `what` is being read; another name than before starts another bar.
  void show(std::string_view what, uint64_t done, uint64_t total);

 private:
  void draw(uint64_t done, uint64_t total, double seconds);

  const bool terminal_;
  std::string what_;
  std::chrono::steady_clock::time_point start_, drawn_;
};

}  // namespace notnot
