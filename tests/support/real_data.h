#pragma once
// For suites that need real corpora.
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

namespace notnot {

/// The folder `name` in $NOTNOT_DATA. If NOTNOT_DATA is not set or the folder has no `file`, prints `skipped: REASON`
/// and ends the program with code 77.
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
