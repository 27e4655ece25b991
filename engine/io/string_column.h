#pragma once
// Strings one behind the other, in memory or in a file that is mapped into memory.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "engine/io/column.h"

namespace notnot {

struct StringColumn {
  Column<char> bytes;             ///< of all strings
  Column<int64_t> offsets = {0};  ///< [size + 1] string i is bytes[offsets[i] .. offsets[i + 1])

  size_t size() const { return offsets.size() - 1; }
  bool empty() const { return size() == 0; }
  std::string_view operator[](size_t i) const {
    return {bytes.data() + offsets[i], static_cast<size_t>(offsets[i + 1] - offsets[i])};
  }
  void push_back(std::string_view text) {
    bytes.insert(bytes.end(), text.begin(), text.end());
    offsets.push_back(static_cast<int64_t>(bytes.size()));
  }
  /// Whether every string lies inside `bytes`, and no byte lies outside the strings. A column from a file may be wrong.
  bool fits() const {
    return !offsets.empty() && offsets.front() == 0 && offsets.back() == static_cast<int64_t>(bytes.size()) &&
           std::is_sorted(offsets.begin(), offsets.end());
  }

  bool operator==(const StringColumn&) const = default;
};

}  // namespace notnot
