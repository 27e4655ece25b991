#include "engine/io/text_lines.h"

#include <utility>

#include "engine/io/input_error.h"
#include "engine/io/text.h"

namespace notnot {

std::vector<TextLine> read_text_lines(InputStream& stream, const std::string& name) {
  std::vector<TextLine> lines;
  int64_t number = 0;
  for (std::string line; stream.read_line(line);) {
    ++number;
    const auto fail = [&](size_t byte, const char* what) {
      throw InputError(fmt::format("{}, line {}: byte {} {}; save the text as UTF-8", name, number, byte + 1, what));
    };
    if (const auto invalid = first_invalid_utf8(line)) fail(*invalid, "is not UTF-8");
    if (const size_t nul = line.find('\0'); nul != line.npos) fail(nul, "is NUL");
    std::string text = without_byte_order_marks(line);
    if (text.ends_with('\r')) text.pop_back();
    if (!split_at_white_space(text).empty()) lines.push_back({std::move(text), number});
  }
  return lines;
}

}  // namespace notnot
