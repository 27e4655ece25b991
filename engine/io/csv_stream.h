#pragma once
// Records of a CSV file of any size (csv_parser.h), one at a time, in memory that does not grow with the file. A byte
// order mark is skipped. The first record names the columns.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/io/checksum.h"
#include "engine/io/csv_parser.h"
#include "engine/io/files.h"

namespace notnot {

/// Takes the bytes read so far and the file's size. Called about once per MiB and at the end.
using BytesProgress = std::function<void(uint64_t done, uint64_t total)>;

/// The bytes [begin, begin + bytes) of a file.
struct ByteRange {
  uint64_t begin = 0, bytes = 0;
};

class CsvStream {
 public:
  /// A longer record is an error: it means a double quote that is never closed. Cleaning a clinical text takes some
  /// twenty times its size, so this bounds the memory, too.
  static constexpr uint64_t kLongestRecord = uint64_t{16} << 20;

  /// Reads the header. Throws InputError, which names the file, the record (1 = the first after the header), the line
  /// on which it starts and the remedy: no such file, no header, misplaced or unclosed double quotes, a number of
  /// fields other than the header's.
  explicit CsvStream(const std::filesystem::path& path, BytesProgress progress = {});

  /// The position of the column `name`, which is given in capital letters; the file may write it in any. Throws
  /// InputError when there is no such column, or more than one.
  size_t column(std::string_view name) const;

  /// Goes to the next record; false at the end of the file. It does not check whether the bytes are UTF-8.
  bool next();
  const Record& fields() const { return fields_; }
  uint64_t size() const { return file_.size(); }  ///< of the file, in bytes
  /// Where the record stands in the file: what `read_again` takes.
  ByteRange range() const { return range_; }
  /// Throws InputError about the current record.
  [[noreturn]] void fail(const std::string& message) const { parser_.fail(message); }

  /// The SHA-256 of the whole file. May be called once, after `next` has returned false.
  std::string sha256() { return checksum_.hex(); }

  /// The fields of a record that was read before. The current record stays the current one.
  Record read_again(const ByteRange& range) const;
  /// The record's bytes, quotes and all.
  std::string raw(const ByteRange& range) const;

 private:
  bool read_record();
  void feed(std::string_view piece);
  bool refill();

  std::filesystem::path path_;
  BytesProgress progress_;
  FileReader file_;
  Sha256 checksum_;
  CsvParser parser_;
  Record header_, fields_;
  ByteRange range_;
  std::string buffer_;  ///< of the file, from buffer_begin_ on
  uint64_t buffer_begin_ = 0;
  size_t in_buffer_ = 0;  ///< how much of the buffer is parsed
};

}  // namespace notnot
