#pragma once
// The three parts of a corpus, and a value for each of them.
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace notnot {

enum class SplitName : uint8_t { train, dev, test };
inline constexpr std::array<SplitName, 3> kSplitNames = {SplitName::train, SplitName::dev, SplitName::test};
std::string_view to_string(SplitName split);
/// The split that files of others call so: train, dev (or val, valid, validation) or test; nothing for any other name.
std::optional<SplitName> split_named(std::string_view name);

/// A value per split: BySplit<int>{1, 2, 3} has 1 for train, 2 for dev and 3 for test.
template <class T>
struct BySplit {
  T train{}, dev{}, test{};

  T& operator[](SplitName split) { return split == SplitName::train ? train : split == SplitName::dev ? dev : test; }
  const T& operator[](SplitName split) const {
    return split == SplitName::train ? train : split == SplitName::dev ? dev : test;
  }
  bool operator==(const BySplit&) const = default;
};

}  // namespace notnot
