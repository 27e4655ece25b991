#pragma once
// For suites on real corpora.
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

namespace notnot {

/// $NOTNOT_DATA/NAME; ends the program as skipped, with the reason, when NOTNOT_DATA is not set or the folder lacks
/// `file`.
inline std::filesystem::path real_corpus(const char* name, const char* file) {
  const char* data = std::getenv("NOTNOT_DATA");
  if (data == nullptr) {
    fmt::print("skipped: NOTNOT_DATA is not set\n");
    std::exit(77);
  }
  const auto folder = std::filesystem::path(data) / name;
  if (!std::filesystem::exists(folder / file)) {
    fmt::print("skipped: there is no {}\n", (folder / file).string());
    std::exit(77);
  }
  return folder;
}

}  // namespace notnot
