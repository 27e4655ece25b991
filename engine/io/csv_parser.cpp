#include "engine/io/csv_parser.h"

#include <csv.h>

#include <algorithm>
#include <utility>

#include "engine/io/input_error.h"

namespace notnot {

/// libcsv, strict. The records keep their memory: the fields of a new record reuse that of an old one.
class CsvParser::Machine {
 public:
  Machine(char delimiter, bool quotes, Space space) {
    csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI);
    if (!quotes) csv_set_quote(&parser_, '\0');  // which no line has
    csv_set_delim(&parser_, static_cast<unsigned char>(delimiter));
    if (space == Space::keep) csv_set_space_func(&parser_, [](unsigned char) { return 0; });
    csv_set_blk_size(&parser_, size_t{1} << 16);
    between_records_ = parser_.pstate;
  }
  ~Machine() { csv_free(&parser_); }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  /// False when the quotes are wrong.
  bool feed(std::string_view bytes) {
    return csv_parse(&parser_, bytes.data(), bytes.size(), &on_field, &on_record, this) == bytes.size();
  }
  bool finish() { return csv_fini(&parser_, &on_field, &on_record, this) == 0; }

  size_t complete() const { return complete_; }
  bool is_within_record() const { return parser_.pstate != between_records_; }
  void take(Record& record) {
    std::swap(record, records_.front());
    std::rotate(records_.begin(), records_.begin() + 1, records_.end());
    --complete_;
  }

 private:
  // Called by C code, which exceptions must not cross: running out of memory here ends the program.
  static void on_field(void* bytes, size_t size, void* self) noexcept {
    auto* machine = static_cast<Machine*>(self);
    Record& record = machine->records_[machine->complete_];
    if (machine->fields_ == record.size()) record.emplace_back();
    const auto* begin = static_cast<const char*>(bytes);
    record[machine->fields_++].assign(begin == nullptr ? "" : begin, begin == nullptr ? 0 : size);
  }
  static void on_record(int, void* self) noexcept {
    auto* machine = static_cast<Machine*>(self);
    machine->records_[machine->complete_].resize(machine->fields_);
    machine->fields_ = 0;
    if (++machine->complete_ == machine->records_.size()) machine->records_.emplace_back();
  }

  csv_parser parser_;
  int between_records_;             ///< the parser's state where no record has begun
  std::vector<Record> records_{1};  ///< the complete ones, then the one that is being filled, then old ones
  size_t complete_ = 0;
  size_t fields_ = 0;  ///< of the record that is being filled
};

CsvParser::CsvParser(std::string name, char delimiter, bool header, bool quotes, Space space)
    : name_(std::move(name)), machine_(std::make_unique<Machine>(delimiter, quotes, space)), record_(header ? 0 : 1) {}
CsvParser::~CsvParser() = default;

void CsvParser::fail(const std::string& message) const {
  const std::string record = record_ == 0 ? "header" : fmt::format("record {}", record_);
  throw InputError(fmt::format("{}, {} (line {}): {}", name_, record, record_line_, message));
}

void CsvParser::feed(std::string_view piece) {
  leave_taken_record();
  if (!machine_->feed(piece)) {
    fail(
        fmt::format("a double quote in the wrong place on line {}; a field with quotes stands between double quotes, "
                    "and every quote inside it is doubled",
                    line_));
  }
  record_bytes_ += piece.size();
  blank_ = blank_ && piece.find_first_not_of(" \t\r\n") == std::string_view::npos;
  if (!piece.ends_with('\n')) return;
  ++line_;
  if (blank_ && machine_->complete() == 0) start_record();
}

void CsvParser::finish() {
  leave_taken_record();
  if (!machine_->finish()) fail(std::string(kUnclosedQuote));
}

bool CsvParser::take(Record& record) {
  leave_taken_record();
  if (machine_->complete() == 0) return false;
  machine_->take(record);
  taken_ = true;
  return true;
}

bool CsvParser::has_more() const { return machine_->complete() > 0 || machine_->is_within_record(); }

void CsvParser::leave_taken_record() {
  if (!taken_) return;
  taken_ = false;
  ++record_;
  if (machine_->complete() == 0) start_record();
}

void CsvParser::start_record() {
  record_line_ = line_;
  record_bytes_ = 0;
  blank_ = true;
}

}  // namespace notnot
