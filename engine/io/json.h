#pragma once
// JSON of files, of lines and of the command line: all of it is parsed here. Whatever the text is, parsing takes time
// in proportion to its length, and a stack of a fixed depth.
#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace notnot {

/// Lists and objects in each other. Deeper ones stand in no file that this program reads, and the JSON library copies
/// and writes values by recursion.
inline constexpr int kDeepestJson = 100;

struct ParsedJson {
  nlohmann::json value;
  std::string fault = {};  ///< why there is no value; empty if there is one
  size_t at = 0;           ///< near which byte of the text the fault lies
};

/// The value that `text` is. A fault is whatever is no JSON, and where a reader would have to guess: a member stands
/// twice, a number is too large for a double, a NUL byte may hide what follows, or the text is nested too deep.
/// Throws Interrupted if the user asks to stop.
ParsedJson parse_json(std::string_view text);

/// The object in the file. Throws InputError "PATH is damaged: line N: FAULT; REMEDY", also for a file that is larger
/// than 64 MiB or is not a regular one.
nlohmann::json read_json_object(const std::filesystem::path& path, std::string_view remedy);

}  // namespace notnot
