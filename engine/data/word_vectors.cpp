#include "engine/data/word_vectors.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "engine/io/checksum.h"
#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "engine/io/text.h"
#include "engine/math/random.h"

namespace notnot {
namespace {

template <class Number>
std::optional<Number> parse(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Cuts the piece before the next blank off `text`.
std::string_view take_field(std::string_view& text) {
  const size_t blank = std::min(text.find(' '), text.size());
  const std::string_view field = text.substr(0, blank);
  text.remove_prefix(std::min(blank + 1, text.size()));
  return field;
}

/// The row for a word of the file; kPaddingId for a word that the vocabulary lacks.
int32_t row_of(const Vocabulary& vocabulary, std::string_view word) {
  const int32_t id = vocabulary.id(word);
  if (id != kUnknownId) return id;
  for (const int32_t reserved : {kUnknownId, kStartId, kEndId}) {
    if (word == vocabulary.word(reserved)) return reserved;
  }
  return kPaddingId;
}

void start_rows(WordVectors& vectors, const Vocabulary& vocabulary) {
  vectors.rows.assign(static_cast<size_t>(vocabulary.size()) * vectors.width, 0.0F);
  vectors.has.assign(vocabulary.size(), false);
}

class VectorReader {
 public:
  VectorReader(const std::filesystem::path& path, const Vocabulary& vocabulary)
      : path_(path), vocabulary_(vocabulary) {}

  WordVectors read() {
    errno = 0;
    std::ifstream file(path_, std::ios::binary);
    std::error_code ignored;
    if (!file || std::filesystem::is_directory(path_, ignored)) {
      const int error = file ? EISDIR : errno;
      throw InputError(
          fmt::format("cannot read {}: {}; check the path", path_.string(), std::generic_category().message(error)));
    }
    for (std::string line; std::getline(file, line);) {
      ++line_;
      std::string_view text = line;
      if (text.ends_with('\r')) text.remove_suffix(1);
      if (text.ends_with(' ')) text.remove_suffix(1);
      if (line_ == 1 && read_header(text)) continue;
      read_vector(text);
    }
    if (file.bad())
      throw InputError(fmt::format("{}: reading failed after line {}; check the disk", path_.string(), line_));
    if (vectors_ == 0) throw InputError(fmt::format("{}: no vectors in the file; download it again", path_.string()));
    if (promised_ && *promised_ != vectors_) {
      fail(fmt::format("the file ends after {} vectors, but its first line says {}; download it again", vectors_,
                       *promised_));
    }
    return std::move(result_);
  }

 private:
  [[noreturn]] void fail(const std::string& message) const {
    throw InputError(fmt::format("{}, line {}: {}", path_.string(), line_, message));
  }

  bool read_header(std::string_view line) {
    const auto count = parse<int64_t>(take_field(line));
    const auto width = parse<int32_t>(take_field(line));
    if (!count || !width || !line.empty()) return false;
    if (*count < 1 || *width < 1) fail("a count and a width above 0 are needed");
    promised_ = count;
    result_.width = *width;
    return true;
  }

  void read_vector(std::string_view line) {
    const int64_t values = std::count(line.begin(), line.end(), ' ');
    if (vectors_ == 0) start(values);
    ++vectors_;
    const std::string_view word = take_field(line);
    if (values > result_.width && !parse<double>(line.substr(0, line.find(' '))))
      return;  // GloVe has words such as ". . ."
    check_width(values);
    const int32_t row = row_of(vocabulary_, word);
    if (row == kPaddingId || result_.has[row]) return;
    result_.has[row] = true;
    ++result_.found;
    float* out = result_.rows.data() + static_cast<int64_t>(row) * result_.width;
    for (int32_t i = 0; i < result_.width; ++i) out[i] = value(take_field(line));
  }

  /// The first vector fixes the width, unless the header did. Memory is taken only here, so that a wrong header takes
  /// none.
  void start(int64_t values) {
    if (result_.width == 0) {
      if (values < 1)
        fail("not a word with its vector; the text form of the vectors is needed (.vec or .txt, unpacked)");
      result_.width = static_cast<int32_t>(values);
    }
    check_width(values);
    start_rows(result_, vocabulary_);
  }

  void check_width(int64_t values) const {
    if (values != result_.width) {
      fail(fmt::format("{} values where the file's vectors have {}; download the file again", values, result_.width));
    }
  }

  float value(std::string_view field) const {
    const auto number = parse<double>(field);  // double: a value under float's range is then 0, not an error
    if (!number)
      fail(fmt::format("{} is not a number; the text form of the vectors is needed (.vec or .txt, unpacked)",
                       in_quotes(field)));
    const auto value = static_cast<float>(*number);
    if (!std::isfinite(value)) fail(fmt::format("the value {} is not a finite number", in_quotes(field)));
    return value;
  }

  std::filesystem::path path_;
  const Vocabulary& vocabulary_;
  WordVectors result_;
  std::optional<int64_t> promised_;  ///< vectors, by the header
  int64_t vectors_ = 0, line_ = 0;
};

/// word2vec's binary form; the file is mapped.
class BinaryReader {
 public:
  BinaryReader(const std::filesystem::path& path, const Vocabulary& vocabulary, int64_t count, int32_t width)
      : path_(path), vocabulary_(vocabulary), count_(count), file_(path), mapped_(file_.map()) {
    rest_ = {static_cast<const char*>(mapped_.get()), file_.size()};
    result_.width = width;
  }

  WordVectors read() {
    rest_.remove_prefix(rest_.find('\n') + 1);
    const size_t bytes = result_.width * sizeof(float);
    if (rest_.size() / bytes < static_cast<size_t>(count_)) fail("the file is cut short; download it again");
    start_rows(result_, vocabulary_);
    for (vector_ = 1; vector_ <= count_; ++vector_) {
      const size_t blank = rest_.find(' ');
      if (blank == std::string_view::npos || rest_.size() - blank - 1 < bytes)
        fail("the file is cut short; download it again");
      std::string_view word = rest_.substr(0, blank);
      if (word.starts_with('\n')) word.remove_prefix(1);
      if (word.empty() || first_invalid_utf8(word))
        fail(fmt::format("{} is no word in UTF-8; word2vec's binary form is needed, or a text form", in_quotes(word)));
      take(row_of(vocabulary_, word), rest_.substr(blank + 1, bytes));
      rest_.remove_prefix(blank + 1 + bytes);
    }
    if (rest_ != "" && rest_ != "\n") fail("bytes after the last vector; download the file again");
    return std::move(result_);
  }

 private:
  [[noreturn]] void fail(const std::string& message) const {
    throw InputError(fmt::format("{}, vector {} of {} (binary): {}", path_.string(), vector_, count_, message));
  }

  void take(int32_t row, std::string_view values) {
    if (row == kPaddingId || result_.has[row]) return;
    result_.has[row] = true;
    ++result_.found;
    float* out = result_.rows.data() + static_cast<int64_t>(row) * result_.width;
    std::memcpy(out, values.data(), values.size());
    if (!std::all_of(out, out + result_.width, [](float value) { return std::isfinite(value); }))
      fail("a value is not a finite number");
  }

  std::filesystem::path path_;
  const Vocabulary& vocabulary_;
  int64_t count_, vector_ = 0;
  FileReader file_;
  std::shared_ptr<const void> mapped_;
  std::string_view rest_;
  WordVectors result_;
};

/// Count and width if the file is in word2vec's binary form: its first line says them, and bytes that no text form has
/// stand where the first values are.
std::optional<std::pair<int64_t, int32_t>> binary_header(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  if (!file || !std::getline(file, line)) return std::nullopt;
  std::string_view header = line;
  const auto count = parse<int64_t>(take_field(header));
  const auto width = parse<int32_t>(take_field(header));
  if (!count || !width || !header.empty() || *count < 1 || *width < 1) return std::nullopt;
  std::string begin(4096, '\0');
  file.read(begin.data(), begin.size());
  std::string_view values = std::string_view(begin).substr(0, file.gcount());
  take_field(values);
  values = values.substr(0, std::min(values.find('\n'), *width * sizeof(float)));
  if (values.find_first_not_of("0123456789+-.eEnaif \r") == std::string_view::npos) return std::nullopt;
  const bool has_controls = std::any_of(values.begin(), values.end(), [](char byte) {
    return static_cast<unsigned char>(byte) < 0x20 || static_cast<unsigned char>(byte) >= 0x80;
  });
  return has_controls ? std::optional(std::pair(*count, *width)) : std::nullopt;
}

}  // namespace

WordVectors load_word_vectors(const std::filesystem::path& path, const Vocabulary& vocabulary) {
  const auto header = binary_header(path);
  WordVectors vectors = header ? BinaryReader(path, vocabulary, header->first, header->second).read()
                               : VectorReader(path, vocabulary).read();
  vectors.checksum = sha256_of_file(path);
  return vectors;
}

void draw_missing(WordVectors& vectors, uint64_t seed) {
  const Random normal(seed, Purpose::missing_vectors);
  const size_t width = vectors.width;
  for (size_t row = 1; row < vectors.has.size(); ++row) {
    if (vectors.has[row]) continue;
    for (size_t i = row * width; i < (row + 1) * width; ++i) vectors.rows[i] = normal.normal(i);
  }
}

}  // namespace notnot
