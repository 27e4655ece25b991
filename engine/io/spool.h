#pragma once
// Numbers that come one at a time and are read again later: in memory, or in a scratch file.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "engine/io/files.h"

namespace notnot {

class Spool {
 public:
  /// Keeps the numbers in memory.
  Spool() = default;
  /// Keeps them in a ScratchFile of this name; only the last MiB stays in memory.
  explicit Spool(const std::filesystem::path& scratch) : file_(scratch) {}

  void push_back(int32_t number);
  size_t size() const { return in_file_ + last_.size(); }
  /// The numbers [begin, end), which must be there.
  std::vector<int32_t> read(size_t begin, size_t end) const;

 private:
  std::optional<ScratchFile> file_;
  size_t in_file_ = 0;         ///< how many numbers the file holds
  std::vector<int32_t> last_;  ///< the numbers behind them
};

}  // namespace notnot
