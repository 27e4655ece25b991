#include "engine/io/delimited.h"

#include <fmt/format.h>

#include <utility>

#include "engine/io/stop.h"
#include "engine/io/text.h"

namespace notnot {

DelimitedReader::DelimitedReader(std::string name, const DelimitedFormat& format)
    : format_(format), parser_(std::move(name), format.delimiter, format.header, format.quotes) {}

void DelimitedReader::read(std::string_view content, const std::function<void(Record&&)>& handle) {
  Record record;
  const auto hand_over = [&] {
    while (parser_.take(record)) handle(std::move(record));
  };
  for (size_t begin = 0; begin < content.size();) {
    check_stop();
    const size_t newline = content.find('\n', begin);
    const size_t end = newline == std::string_view::npos ? content.size() : newline + 1;
    std::string line = checked(content.substr(begin, end - begin), begin);
    blank_carriage_returns(line);
    parser_.feed(line);
    hand_over();
    begin = end;
  }
  parser_.finish();
  hand_over();
}

/// The line as valid UTF-8 without NUL bytes and byte order marks; `offset` is its first byte in the file.
std::string DelimitedReader::checked(std::string_view line, size_t offset) const {
  if (format_.lossy) return without_byte_order_marks(replace_invalid_utf8(line));
  if (const auto invalid = first_invalid_utf8(line)) {
    fail(fmt::format(
        "byte {} of the file (0x{:02X}) is not UTF-8; save the file as UTF-8, or give --lossy to notnot prepare",
        offset + *invalid, static_cast<unsigned char>(line[*invalid])));
  }
  if (const size_t nul = line.find('\0'); nul != std::string_view::npos) {
    fail(fmt::format("byte {} of the file is NUL; save the file as plain UTF-8 text, or give --lossy to notnot prepare",
                     offset + nul));
  }
  return without_byte_order_marks(line);
}

/// libcsv would end the record there.
void DelimitedReader::blank_carriage_returns(std::string& line) {
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"' && format_.quotes) in_quotes_ = !in_quotes_;
    const bool at_end = i + 1 == line.size() || line[i + 1] == '\n';
    if (line[i] != '\r' || at_end || in_quotes_) continue;
    line[i] = ' ';
    had_carriage_return_ = true;
  }
}

}  // namespace notnot
