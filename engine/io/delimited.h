#pragma once
// Records of a text file with delimited fields, RFC 4180: fields that contain the delimiter, quotes or newlines stand
// between double quotes, quotes inside doubled. LF or CRLF, a byte order mark is skipped, empty lines are too.
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace notnot {

using Record = std::vector<std::string>;

struct DelimitedFormat {
  char delimiter = ',';
  bool header = true;  ///< the first record names the columns; only for the numbering in messages
  bool lossy = false;  ///< bytes that are not UTF-8 and NUL bytes become U+FFFD instead of an error
};

class DelimitedReader {
 public:
  /// `name` stands for the file in messages.
  DelimitedReader(std::string name, const DelimitedFormat& format) : name_(std::move(name)), format_(format) {}

  /// Calls `handle` with every record in its order. Throws InputError that names the file, the record (1 = the first,
  /// or the first after the header), the line on which the record starts and the remedy: bytes that are not UTF-8, NUL
  /// bytes, unbalanced quotes.
  void read(std::string_view content, const std::function<void(Record&&)>& handle);

  /// Throws InputError about the record that `handle` was given.
  [[noreturn]] void fail(const std::string& message) const;

  /// Of the record that `handle` was given: 1 = the first, or the first after the header, which is 0.
  int64_t record() const { return records_ + (format_.header ? 0 : 1); }

 private:
  class Parser;
  std::string checked(std::string_view line) const;
  void read_line(Parser& parser, std::string_view line, const std::function<void(Record&&)>& handle);
  void hand_over(Parser& parser, const std::function<void(Record&&)>& handle);

  std::string name_;
  DelimitedFormat format_;
  int64_t records_ = 0;      ///< handed over so far, the header included
  size_t offset_ = 0;        ///< in bytes, of the line that is being read
  int64_t line_ = 1;         ///< the line that is being read
  int64_t record_line_ = 1;  ///< the line on which the unfinished record starts
};

}  // namespace notnot
