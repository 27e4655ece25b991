#include "engine/io/delimited.h"

#include <fmt/format.h>

#include <utility>

#include "engine/io/stop.h"
#include "engine/io/text.h"

namespace notnot {
namespace {

/// What ends the line: nothing, one of the three line ends, or `\r\r\n`, which Python's csv writes to a text file on
/// Windows.
std::string_view line_end(std::string_view line) { return line.substr(line.find_last_not_of("\r\n") + 1); }

}  // namespace

DelimitedReader::DelimitedReader(std::string name, const DelimitedFormat& format)
    : format_(format),
      parser_(std::move(name), format.delimiter, format.header, format.quotes, CsvParser::Space::keep) {}

void DelimitedReader::read(std::string_view content, const std::function<void(Record&&)>& handle) {
  Record record;
  const auto hand_over = [&] {
    while (parser_.take(record)) handle(std::move(record));
  };
  for (size_t begin = 0; begin < content.size();) {
    check_stop();
    const size_t newline = content.find('\n', begin);
    const size_t end = newline == std::string_view::npos ? content.size() : newline + 1;
    parser_.feed(tidied(checked(content.substr(begin, end - begin), begin)));
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

/// The line without what libcsv takes for the end of a record or for a fault: carriage returns within the line, and
/// white space between the delimiter and a field's quotes. A line of white space is empty.
std::string DelimitedReader::tidied(std::string_view line) {
  const std::string_view space = format_.delimiter == '\t' ? " " : " \t";
  const std::string_view end = line_end(line);
  line.remove_suffix(end.size());
  const std::string_view one_end = end.substr(end.empty() ? 0 : end.size() - 1);
  if (!in_quotes_ && line.find_first_not_of(space) == line.npos) return std::string(one_end);
  std::string result;
  size_t field = 0;  // where it begins in `result`
  const auto end_field = [&] {
    if (quoted_) result.resize(result.find_last_not_of(space) + 1);
    quoted_ = false;
    field = result.size() + 1;
  };
  for (const char byte : line) {
    if (!in_quotes_ && byte == format_.delimiter) end_field();
    if (byte == '"' && format_.quotes) {
      if (!quoted_ && result.find_first_not_of(space, field) == result.npos) {
        result.resize(field);
        quoted_ = true;
      }
      in_quotes_ = !in_quotes_;
    }
    const bool blank = byte == '\r' && !in_quotes_;
    had_carriage_return_ = had_carriage_return_ || blank;
    result += blank ? ' ' : byte;
  }
  if (in_quotes_) return result.append(end);
  end_field();
  return result.append(one_end);
}

}  // namespace notnot
