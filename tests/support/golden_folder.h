#pragma once
// The folders of golden vectors, which an environment variable may replace.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "engine/io/input_error.h"
#include "kernels/base/error.h"

namespace notnot::test {

/// The *.safetensors of the folder that the variable names, or of `otherwise`, by name. Throws InputError if there is
/// none.
inline std::vector<std::filesystem::path> golden_files(const char* variable, const char* otherwise) {
  const char* const folder = std::getenv(variable);
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder != nullptr ? folder : otherwise)) {
    if (entry.path().extension() == ".safetensors") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  if (paths.empty()) throw InputError(fmt::format("no golden vectors: {} names a folder without them", variable));
  return paths;
}

/// Those of tests/golden/explain/README.md.
inline std::vector<std::filesystem::path> golden_explanations() {
  return golden_files("NOTNOT_GOLDEN_EXPLAIN", NOTNOT_TEST_DIR "/golden/explain");
}

}  // namespace notnot::test
