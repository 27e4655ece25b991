#pragma once
// Files with one text per line.
#include <cstdint>
#include <string>
#include <vector>

#include "engine/io/input_stream.h"

namespace notnot {

struct TextLine {
  std::string text;  ///< valid UTF-8 without NUL and without byte order marks
  int64_t line = 0;  ///< its number in the file, from 1
};

/// The lines of the stream that have more than white space, without their ends. `name` stands for the file in messages.
/// Throws InputError "NAME, line N: ..." on bytes that are not UTF-8 and on NUL bytes, and whatever the stream throws.
std::vector<TextLine> read_text_lines(InputStream& stream, const std::string& name);

}  // namespace notnot
