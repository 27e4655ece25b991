#include "engine/io/delimited.h"

#include <csv.h>

#include <utility>

#include "engine/io/input_error.h"
#include "engine/io/text.h"

namespace notnot {

/// libcsv, strict. Complete records collect in `records`.
class DelimitedReader::Parser {
 public:
  explicit Parser(char delimiter) {
    csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI);
    csv_set_delim(&parser_, static_cast<unsigned char>(delimiter));
    csv_set_blk_size(&parser_, size_t{1} << 16);
  }
  ~Parser() { csv_free(&parser_); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  /// False when the quotes are wrong.
  bool feed(std::string_view bytes) {
    return csv_parse(&parser_, bytes.data(), bytes.size(), &on_field, &on_record, this) == bytes.size();
  }
  bool finish() { return csv_fini(&parser_, &on_field, &on_record, this) == 0; }

  std::vector<Record> records;

 private:
  // Called by C code, which exceptions must not cross: running out of memory here ends the program.
  static void on_field(void* bytes, size_t size, void* self) noexcept {
    const auto* begin = static_cast<const char*>(bytes);
    static_cast<Parser*>(self)->record_.emplace_back(begin == nullptr ? "" : begin, begin == nullptr ? 0 : size);
  }
  static void on_record(int, void* self) noexcept {
    auto* parser = static_cast<Parser*>(self);
    parser->records.push_back(std::exchange(parser->record_, {}));
  }

  csv_parser parser_;
  Record record_;
};

void DelimitedReader::fail(const std::string& message) const {
  const std::string record = this->record() == 0 ? "header" : fmt::format("record {}", this->record());
  throw InputError(fmt::format("{}, {} (line {}): {}", name_, record, record_line_, message));
}

void DelimitedReader::read(std::string_view content, const std::function<void(Record&&)>& handle) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  Parser parser(format_.delimiter);
  if (content.starts_with(kByteOrderMark)) offset_ = kByteOrderMark.size();
  while (offset_ < content.size()) {
    const size_t newline = content.find('\n', offset_);
    const size_t end = newline == std::string_view::npos ? content.size() : newline + 1;
    read_line(parser, content.substr(offset_, end - offset_), handle);
    offset_ = end;
  }
  if (!parser.finish()) fail("a double quote is never closed; close it, and double every quote inside a quoted field");
  hand_over(parser, handle);
}

std::string DelimitedReader::checked(std::string_view line) const {
  if (format_.lossy) return replace_invalid_utf8(line);
  if (const auto invalid = first_invalid_utf8(line)) {
    fail(fmt::format("byte {} of the file (0x{:02X}) is not UTF-8; save the file as UTF-8, or give --lossy",
                     offset_ + *invalid, static_cast<unsigned char>(line[*invalid])));
  }
  if (const size_t nul = line.find('\0'); nul != std::string_view::npos) {
    fail(fmt::format("byte {} of the file is NUL; save the file as plain UTF-8 text, or give --lossy", offset_ + nul));
  }
  return std::string(line);
}

void DelimitedReader::read_line(Parser& parser, std::string_view line, const std::function<void(Record&&)>& handle) {
  if (!parser.feed(checked(line))) {
    fail(fmt::format(
        "a double quote in the wrong place on line {}; a field with quotes stands between double quotes, and "
        "every quote inside it is doubled",
        line_));
  }
  const bool empty = line.find_first_not_of(" \t\r\n") == std::string_view::npos;
  const bool between_records = !parser.records.empty() || (empty && record_line_ == line_);
  hand_over(parser, handle);
  ++line_;
  if (between_records) record_line_ = line_;
}

void DelimitedReader::hand_over(Parser& parser, const std::function<void(Record&&)>& handle) {
  for (Record& record : parser.records) {
    handle(std::move(record));
    ++records_;
  }
  parser.records.clear();
}

}  // namespace notnot
