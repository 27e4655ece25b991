#include "engine/io/csv_stream.h"

#include <csv.h>

#include <algorithm>
#include <utility>

#include "engine/io/input_error.h"

namespace notnot {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;
constexpr std::string_view kUnclosedQuote =
    "a double quote is never closed, or the file was cut; close it, double every quote inside a quoted field, or get "
    "the file again";

std::string upper_case(std::string_view name) {
  std::string upper(name);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

}  // namespace

/// libcsv, strict. The fields of a record reuse the memory of the record before.
class CsvStream::Parser {
 public:
  Parser() {
    csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI);
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

  int64_t complete() const { return records_; }  ///< records since the last `take`
  void take(std::vector<std::string>& fields) {
    fields_.resize(count_);
    std::swap(fields, fields_);
    count_ = 0;
    records_ = 0;
  }

 private:
  // Called by C code, which exceptions must not cross: running out of memory here ends the program.
  static void on_field(void* bytes, size_t size, void* self) noexcept {
    auto* parser = static_cast<Parser*>(self);
    if (parser->count_ == parser->fields_.size()) parser->fields_.emplace_back();
    const auto* begin = static_cast<const char*>(bytes);
    parser->fields_[parser->count_++].assign(begin == nullptr ? "" : begin, begin == nullptr ? 0 : size);
  }
  static void on_record(int, void* self) noexcept { ++static_cast<Parser*>(self)->records_; }

  csv_parser parser_;
  std::vector<std::string> fields_;
  size_t count_ = 0;
  int64_t records_ = 0;
};

CsvStream::CsvStream(const std::filesystem::path& path, BytesProgress progress)
    : path_(path), progress_(std::move(progress)), file_(path), parser_(std::make_unique<Parser>()) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (refill() && buffer_.starts_with(kByteOrderMark)) in_buffer_ = kByteOrderMark.size();
  if (!read_record()) {
    throw InputError(fmt::format("{}: the file is empty; get it again", path_.string()));
  }
  header_ = fields_;
}

CsvStream::~CsvStream() = default;

void CsvStream::fail(const std::string& message) const {
  const std::string record = record_ > 0 ? fmt::format("record {}", record_) : "header";
  throw InputError(fmt::format("{}, {} (line {}): {}", path_.string(), record, record_line_, message));
}

size_t CsvStream::column(std::string_view name) const {
  const auto is_named = [&name](const std::string& field) { return upper_case(field) == name; };
  const auto count = std::count_if(header_.begin(), header_.end(), is_named);
  if (count != 1) {
    throw InputError(fmt::format("{}: {} '{}' in the first line; use the file as it is distributed", path_.string(),
                                 count == 0 ? "there is no column" : "more than one column is called", name));
  }
  return static_cast<size_t>(std::find_if(header_.begin(), header_.end(), is_named) - header_.begin());
}

bool CsvStream::next() {
  ++record_;
  if (!read_record()) return false;
  if (fields_.size() != header_.size()) {
    fail(fmt::format("{} fields where the header has {}; use the file as it is distributed", fields_.size(),
                     header_.size()));
  }
  return true;
}

/// A record ends with a line, so lines are what the parser is fed with; long ones in pieces.
bool CsvStream::read_record() {
  start_record();
  while (parser_->complete() == 0) {
    if (in_buffer_ == buffer_.size() && !refill()) {
      if (!parser_->finish()) fail(std::string(kUnclosedQuote));
      break;
    }
    const std::string_view rest = std::string_view(buffer_).substr(in_buffer_);
    feed(rest.substr(0, std::min(rest.find('\n'), rest.size() - 1) + 1));
  }
  if (parser_->complete() == 0) return false;
  if (parser_->complete() > 1) fail("a carriage return between two records of one line; end lines with LF or CRLF");
  parser_->take(fields_);
  return true;
}

void CsvStream::feed(std::string_view piece) {
  if (!parser_->feed(piece)) {
    fail(
        fmt::format("a double quote in the wrong place on line {}; a field with quotes stands between double quotes, "
                    "and every quote inside it is doubled",
                    line_));
  }
  in_buffer_ += piece.size();
  range_.bytes += piece.size();
  if (range_.bytes > kLongestRecord) {
    fail(fmt::format("longer than {} MiB; {}", kLongestRecord >> 20, kUnclosedQuote));
  }
  blank_ = blank_ && piece.find_first_not_of(" \t\r\n") == std::string_view::npos;
  if (piece.back() != '\n') return;
  ++line_;
  if (blank_) start_record();
}

void CsvStream::start_record() {
  range_ = {buffer_begin_ + in_buffer_, 0};
  record_line_ = line_;
  blank_ = true;
}

bool CsvStream::refill() {
  buffer_begin_ += buffer_.size();
  const uint64_t left = file_.size() - buffer_begin_;
  buffer_.resize(std::min<uint64_t>(left, kBufferBytes));
  in_buffer_ = 0;
  file_.read(buffer_begin_, buffer_.size(), buffer_.data());
  checksum_.update(buffer_);
  if (progress_ && !buffer_.empty()) progress_(buffer_begin_ + buffer_.size(), file_.size());
  return !buffer_.empty();
}

std::string CsvStream::raw(const ByteRange& range) const {
  std::string bytes(range.bytes, '\0');
  file_.read(range.begin, bytes.size(), bytes.data());
  return bytes;
}

std::vector<std::string> CsvStream::read_again(const ByteRange& range) const {
  Parser parser;
  std::vector<std::string> fields;
  if (!parser.feed(raw(range)) || !parser.finish() || parser.complete() != 1) {
    throw InputError(fmt::format("{} was changed while it was read; run this again", path_.string()));
  }
  parser.take(fields);
  return fields;
}

}  // namespace notnot
