#pragma once
// The one CSV parser of the engine, RFC 4180: fields that contain the delimiter, quotes or newlines stand between
// double quotes, and quotes inside them are doubled. A record ends with LF or CRLF. Empty lines are skipped. The
// readers of delimited.h (a text in memory) and csv_stream.h (a file of any size) feed it.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace notnot {

using Record = std::vector<std::string>;

/// Takes bytes, gives records, and knows where in the file it stands.
class CsvParser {
 public:
  static constexpr std::string_view kUnclosedQuote =
      "a double quote is never closed, or the file was cut; close it, double every quote inside a quoted field, or get "
      "the file again";

  /// What becomes of white space at the ends of a field: `drop` leaves it out unless it stands in quotes; `keep` keeps
  /// it, and takes some between a field's quotes and the delimiter for a quote in the wrong place.
  enum class Space : uint8_t { drop, keep };

  /// `name` stands for the file in messages. With `header` the first record is the header and has the number 0. Without
  /// `quotes` a double quote is a character as any other, and so a record is a line.
  CsvParser(std::string name, char delimiter, bool header, bool quotes = true, Space space = Space::drop);
  ~CsvParser();
  CsvParser(const CsvParser&) = delete;
  CsvParser& operator=(const CsvParser&) = delete;

  /// Parses a line with its line feed, or a part of one. Throws InputError when a double quote is in the wrong place.
  void feed(std::string_view piece);
  /// Ends the file, and with it the last record. Throws InputError when a double quote is not closed.
  void finish();

  /// Moves the oldest complete record into `record`, whose memory serves a later record; false if there is none. The
  /// record is the current one until the next call.
  bool take(Record& record);
  /// Whether another record waits to be taken or has begun: on one line, when a lone carriage return ends the first.
  bool has_more() const;

  /// The number of the current record: 1 = the first, or the first after the header, which has 0. The current record is
  /// the one that was taken last; once `take` has returned false, it is the next one, perhaps unfinished.
  int64_t record() const { return record_; }
  /// Bytes fed since the current record's start; empty lines before it are not counted.
  uint64_t record_bytes() const { return record_bytes_; }
  /// Throws InputError that names the file, the current record and the line on which it starts.
  [[noreturn]] void fail(const std::string& message) const;

 private:
  class Machine;
  void leave_taken_record();
  void start_record();

  std::string name_;
  std::unique_ptr<Machine> machine_;
  int64_t record_;
  bool taken_ = false;       ///< whether the current record was handed out
  int64_t line_ = 1;         ///< the line that is being parsed
  int64_t record_line_ = 1;  ///< the line on which the current record starts
  uint64_t record_bytes_ = 0;
  bool blank_ = true;  ///< only white space since the current record's start
};

}  // namespace notnot
