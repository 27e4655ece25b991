#include "engine/io/csv_stream.h"

#include <algorithm>
#include <utility>

#include "engine/io/file_kind.h"
#include "engine/io/input_error.h"
#include "engine/io/text.h"

namespace notnot {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;

std::string upper_case(std::string_view name) {
  std::string upper(name);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

}  // namespace

CsvStream::CsvStream(const std::filesystem::path& path, BytesProgress progress)
    : path_(path), progress_(std::move(progress)), file_(path), parser_(path.string(), ',', /*header=*/true) {
  const bool any = refill();
  const std::string_view beginning = std::string_view(buffer_).substr(0, kTellingBytes);
  const std::string kind = is_marked_utf16(beginning) ? "UTF-16; save the file as UTF-8" : what_else(beginning);
  if (!kind.empty()) throw InputError(fmt::format("{} looks like {}", path_.string(), kind));
  if (any && buffer_.starts_with(kByteOrderMark)) in_buffer_ = kByteOrderMark.size();
  if (!read_record()) {
    throw InputError(fmt::format("{}: the file is empty; get it again", path_.string()));
  }
  header_ = fields_;
}

size_t CsvStream::column(std::string_view name) const {
  const auto is_named = [&name](const std::string& field) { return upper_case(field) == name; };
  const auto count = std::count_if(header_.begin(), header_.end(), is_named);
  if (count != 1) {
    throw InputError(fmt::format("{}: {} '{}' in the first line; use the file as it is distributed", path_.string(),
                                 count == 0 ? "there is no column" : "more than one column is called", name));
  }
  return std::find_if(header_.begin(), header_.end(), is_named) - header_.begin();
}

bool CsvStream::next() {
  if (!read_record()) return false;
  if (fields_.size() != header_.size()) {
    fail(fmt::format("{} fields where the header has {}; use the file as it is distributed", fields_.size(),
                     header_.size()));
  }
  return true;
}

/// A record ends with a line, so lines are what the parser is fed with; long ones in pieces.
bool CsvStream::read_record() {
  while (!parser_.take(fields_)) {
    if (in_buffer_ == buffer_.size() && !refill()) {
      parser_.finish();
      if (!parser_.take(fields_)) return false;
      break;
    }
    const std::string_view rest = std::string_view(buffer_).substr(in_buffer_);
    feed(rest.substr(0, std::min(rest.find('\n'), rest.size() - 1) + 1));
  }
  if (parser_.has_more()) fail("a carriage return between two records of one line; end lines with LF or CRLF");
  range_ = {buffer_begin_ + in_buffer_ - parser_.record_bytes(), parser_.record_bytes()};
  return true;
}

void CsvStream::feed(std::string_view piece) {
  parser_.feed(piece);
  in_buffer_ += piece.size();
  if (parser_.record_bytes() > kLongestRecord) {
    fail(fmt::format("longer than {} MiB; {}", kLongestRecord >> 20, CsvParser::kUnclosedQuote));
  }
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

Record CsvStream::read_again(const ByteRange& range) const {
  const auto changed = [this] {
    return InputError(fmt::format("{} was changed while it was read; run this again", path_.string()));
  };
  CsvParser parser(path_.string(), ',', /*header=*/false);
  try {
    parser.feed(raw(range));
    parser.finish();
  } catch (const InputError&) {
    throw changed();
  }
  Record fields;
  if (!parser.take(fields) || parser.has_more()) throw changed();
  return fields;
}

}  // namespace notnot
