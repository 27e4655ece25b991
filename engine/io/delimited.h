#pragma once
// Records of a text in memory with delimited fields (csv_parser.h). Byte order marks are skipped, wherever they stand:
// files that were put together have some in the middle. A carriage return that is neither in quotes nor at a line's end
// is a blank: some programs leave them in texts. White space at the ends of a field belongs to it, but not what stands
// outside of a field's quotes.
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "engine/io/csv_parser.h"

namespace notnot {

struct DelimitedFormat {
  char delimiter = ',';
  bool quotes = true;  ///< false: a double quote is a character as any other, and so a record is a line
  bool header = true;  ///< the first record names the columns; only for the numbering in messages
  bool lossy = false;  ///< bytes that are not UTF-8 and NUL bytes become U+FFFD instead of an error
};

class DelimitedReader {
 public:
  /// `name` stands for the file in messages.
  DelimitedReader(std::string name, const DelimitedFormat& format);

  /// Calls `handle` with every record in its order. Throws InputError that names the file, the record (1 = the first,
  /// or the first after the header), the line on which the record starts and the remedy: bytes that are not UTF-8, NUL
  /// bytes, unbalanced quotes.
  void read(std::string_view content, const std::function<void(Record&&)>& handle);

  /// Throws InputError about the record that `handle` was given.
  [[noreturn]] void fail(const std::string& message) const { parser_.fail(message); }

  /// The number of the record that `handle` was given: 1 = the first, or the first after the header, which has 0.
  int64_t record() const { return parser_.record(); }

  /// Whether a carriage return was taken for a blank so far.
  bool had_carriage_return() const { return had_carriage_return_; }

 private:
  std::string checked(std::string_view line, size_t offset) const;
  std::string tidied(std::string_view line);

  DelimitedFormat format_;
  CsvParser parser_;
  bool in_quotes_ = false;  ///< whether the line before ended within quotes
  bool quoted_ = false;     ///< whether it ended in a field with quotes
  bool had_carriage_return_ = false;
};

}  // namespace notnot
