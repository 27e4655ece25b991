#pragma once
// What every `--seed` accepts.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace notnot {

/// A whole number from 0 to 2^64 - 1. CLI11 alone would take -1, and any number that is too large, for 2^64 - 1.
inline CLI::Validator valid_seed() {
  return CLI::Validator(
      [](const std::string& text) {
        uint64_t value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        const bool good = error == std::errc() && end == text.data() + text.size();
        return good ? std::string() : fmt::format("{} is not a whole number from 0 to 2^64 - 1", text);
      },
      "");
}

/// The smallest seed that `seeds` has more than once.
inline std::optional<uint64_t> given_twice(std::vector<uint64_t> seeds) {
  std::sort(seeds.begin(), seeds.end());
  const auto twice = std::adjacent_find(seeds.begin(), seeds.end());
  return twice == seeds.end() ? std::nullopt : std::optional(*twice);
}

}  // namespace notnot
