#pragma once
// Files with a JSON object per line: the one reader and the one writer of the engine.
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/io/input_stream.h"

namespace notnot {

/// The JSON object that `text` is; nothing if it is anything else, and where parse_json (json.h) finds a fault.
std::optional<nlohmann::json> json_object(std::string_view text);
/// Why `text` is no JSON object for json_object, for a message: "the number 1e999 is too large"; empty if it is one.
std::string json_fault(std::string_view text);

/// The digits of a whole number, also of one that is written as 17.0, as pandas does; nothing for anything else, and
/// for a floating-point number beyond 2^53, whose digits are not known.
std::optional<std::string> whole_number(const nlohmann::json& value);

/// Hands out the lines one at a time, in memory for one line. Lines of nothing but white space are skipped, and byte
/// order marks at the begin of any line: files that were put together have some in the middle.
class JsonLinesReader {
 public:
  /// A file, which is read once. Throws as InputStream does.
  explicit JsonLinesReader(const std::filesystem::path& path);
  /// A text in memory, which must outlive the reader; `name` stands for the file in messages.
  JsonLinesReader(std::string name, std::string_view content);
  JsonLinesReader(const JsonLinesReader&) = delete;
  JsonLinesReader& operator=(const JsonLinesReader&) = delete;

  /// Goes to the next line; false at the end. Throws InputError when the file cannot be read on.
  bool next();

  /// The line without its end; good until the next call of `next`.
  std::string_view text() const { return text_; }
  /// The number of the line in the file, from 1. At the end of the file: of its last line, 0 if there is none.
  int64_t line() const { return line_; }
  /// The number of the line among those that were handed out, from 1.
  int64_t record() const { return record_; }
  /// Where the line begins in the file, in bytes.
  uint64_t offset() const { return offset_; }

  /// The SHA-256 of the file, after its end; not for a text in memory.
  std::string checksum() { return file_->checksum(); }

  /// Throws InputError "NAME, line N: MESSAGE" about the current line.
  [[noreturn]] void fail(const std::string& message) const;

 private:
  bool read_line();

  std::string name_;
  std::optional<InputStream> file_;  ///< nothing when the text is in memory
  std::string file_line_;            ///< the line of the file
  std::string_view content_;         ///< what follows the line in memory
  std::string_view text_;
  int64_t line_ = 0, record_ = 0;
  uint64_t offset_ = 0, next_offset_ = 0;
};

/// One line: an object with its members in the order of the calls. In strings, bytes that are not UTF-8 become U+FFFD.
/// Floating-point numbers have 9 significant digits, from which every float is read back exactly; Error if one is not
/// finite.
class JsonLine {
 public:
  /// `spaced` puts a blank behind every colon and comma, as Python's json.dumps does; `compact` puts none.
  enum class Form : uint8_t { spaced, compact };
  explicit JsonLine(Form form) : space_(form == Form::spaced ? " " : "") {}

  JsonLine& add(std::string_view name, std::string_view text);
  JsonLine& add(std::string_view name, std::span<const std::string_view> texts);
  JsonLine& add(std::string_view name, std::span<const double> numbers);
  JsonLine& add(std::string_view name, std::span<const int64_t> numbers);
  JsonLine& add(std::string_view name, std::nullptr_t);
  JsonLine& add(std::string_view name, std::floating_point auto number) { return add_floating(name, number); }
  JsonLine& add(std::string_view name, std::integral auto number) { return add_integer(name, number); }

  /// The whole line with its line feed.
  std::string line() const { return "{" + members_ + "}\n"; }

 private:
  JsonLine& add_floating(std::string_view name, double number);
  JsonLine& add_integer(std::string_view name, int64_t number);
  JsonLine& add_value(std::string_view name, std::string_view json);
  template <class Values, class Format>
  JsonLine& add_list(std::string_view name, const Values& values, const Format& format);

  std::string_view space_;
  std::string members_;
};

}  // namespace notnot
