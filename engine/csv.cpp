#include "engine/csv.h"

#include <csv.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/files.h"
#include "engine/text.h"
#include "kernels/error.h"

namespace notnot {
namespace {

using Record = std::vector<std::string>;

/// libcsv, strict. Complete records collect in `records`.
class RecordParser {
 public:
  RecordParser() {
    csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI);
    csv_set_blk_size(&parser_, size_t{1} << 16);
  }
  ~RecordParser() { csv_free(&parser_); }
  RecordParser(const RecordParser&) = delete;
  RecordParser& operator=(const RecordParser&) = delete;

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
    static_cast<RecordParser*>(self)->record_.emplace_back(begin == nullptr ? "" : begin, begin == nullptr ? 0 : size);
  }
  static void on_record(int, void* self) noexcept {
    auto* parser = static_cast<RecordParser*>(self);
    parser->records.push_back(std::exchange(parser->record_, {}));
  }

  csv_parser parser_;
  Record record_;
};

/// Positions of the named columns in a record of `count` fields.
struct Columns {
  size_t text, label, split, count;
};

class CsvReader {
 public:
  explicit CsvReader(std::string name) : name_(std::move(name)) {}

  std::vector<LabelledText> read(std::string_view content) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (content.starts_with(kByteOrderMark)) offset_ = kByteOrderMark.size();
    while (offset_ < content.size()) {
      const size_t newline = content.find('\n', offset_);
      const size_t end = newline == std::string_view::npos ? content.size() : newline + 1;
      read_line(content.substr(offset_, end - offset_));
      offset_ = end;
    }
    if (!parser_.finish())
      fail("a double quote is never closed; close it, and double every quote inside a quoted field");
    take_records();
    if (!columns_)
      throw InputError(fmt::format("{}: the file is empty; its first line must be text,label,split", name_));
    if (texts_.empty()) throw InputError(fmt::format("{}: there is no record after the header; add texts", name_));
    return std::move(texts_);
  }

 private:
  [[noreturn]] void fail(const std::string& message) const {
    const std::string record = columns_ ? fmt::format("record {}", texts_.size() + 1) : "header";
    throw InputError(fmt::format("{}, {} (line {}): {}", name_, record, record_line_, message));
  }

  void read_line(std::string_view line) {
    if (const auto invalid = first_invalid_utf8(line)) {
      fail(fmt::format("byte {} of the file (0x{:02X}) is not UTF-8; save the file as UTF-8", offset_ + *invalid,
                       static_cast<unsigned char>(line[*invalid])));
    }
    if (const size_t nul = line.find('\0'); nul != std::string_view::npos) {
      fail(fmt::format("byte {} of the file is NUL; save the file as plain UTF-8 text", offset_ + nul));
    }
    if (!parser_.feed(line)) {
      fail(fmt::format(
          "a double quote in the wrong place on line {}; a field with quotes stands between double quotes, and "
          "every quote inside it is doubled",
          line_));
    }
    const bool empty = line.find_first_not_of(" \t\r\n") == std::string_view::npos;
    const bool between_records = !parser_.records.empty() || (empty && record_line_ == line_);
    take_records();
    ++line_;
    if (between_records) record_line_ = line_;
  }

  void take_records() {
    for (const Record& record : parser_.records) {
      if (columns_) {
        texts_.push_back(labelled_text(record));
      } else {
        columns_ = Columns{column(record, {"text"}), column(record, {"label"}), column(record, {"split", "exp_split"}),
                           record.size()};
      }
    }
    parser_.records.clear();
  }

  size_t column(const Record& header, const std::vector<std::string>& names) const {
    const auto matches = [&names](const std::string& field) {
      return std::count(names.begin(), names.end(), field) > 0;
    };
    const auto count = std::count_if(header.begin(), header.end(), matches);
    if (count == 0)
      fail(fmt::format("there is no column '{}'; the first line must be like text,label,split", names.front()));
    if (count > 1) fail(fmt::format("{} columns are called '{}'; keep one", count, fmt::join(names, "' or '")));
    return static_cast<size_t>(std::find_if(header.begin(), header.end(), matches) - header.begin());
  }

  LabelledText labelled_text(const Record& record) const {
    if (record.size() != columns_->count) {
      fail(fmt::format("{} fields where the header has {}; put a text with commas between double quotes", record.size(),
                       columns_->count));
    }
    LabelledText text;
    text.words = join_words(split_at_white_space(to_lower(record[columns_->text])));
    if (text.words.empty()) fail("the text has no word; remove the record");
    text.label = label(record[columns_->label]);
    text.split = split(record[columns_->split]);
    text.row = static_cast<int64_t>(texts_.size()) + 1;
    return text;
  }

  int32_t label(const std::string& field) const {
    if (field != "0" && field != "1")
      fail(fmt::format("label {} is neither 0 nor 1; only two classes are supported", shown(field)));
    return field == "1" ? 1 : 0;
  }

  SplitName split(const std::string& field) const {
    if (field == "train") return SplitName::train;
    if (field == "dev" || field == "val" || field == "valid" || field == "validation") return SplitName::dev;
    if (field == "test") return SplitName::test;
    fail(fmt::format("split {} is none of train, dev (or val, valid, validation) and test", shown(field)));
  }

  std::string name_;
  RecordParser parser_;
  std::optional<Columns> columns_;  ///< known once the header is read
  std::vector<LabelledText> texts_;
  size_t offset_ = 0;        ///< in bytes, of the line that is being read
  int64_t line_ = 1;         ///< the line that is being read
  int64_t record_line_ = 1;  ///< the line on which the unfinished record starts
};

}  // namespace

std::vector<LabelledText> parse_csv(std::string_view content, const std::string& name) {
  return CsvReader(name).read(content);
}

std::vector<LabelledText> read_csv(const std::filesystem::path& path) {
  return parse_csv(read_file(path), path.string());
}

}  // namespace notnot
