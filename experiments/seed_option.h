#pragma once
// What every `--seed` accepts.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <string>

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

}  // namespace notnot
