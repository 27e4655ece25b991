#pragma once
// Progress through large files: a line per file and, where the output is a terminal, a bar with the time left.
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "experiments/terminal/progress_bar.h"

namespace notnot {

class BytesProgressDisplay {
 public:
  /// `done` of `total` bytes of the file `name` are read. A name other than the last call's starts another bar.
  void show(std::string_view name, uint64_t done, uint64_t total);

 private:
  ProgressBar bar_;
  std::string name_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace notnot
