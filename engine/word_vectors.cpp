#include "engine/word_vectors.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>

#include "engine/text.h"
#include "kernels/error.h"

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
    const auto values = static_cast<int64_t>(std::count(line.begin(), line.end(), ' '));
    if (vectors_ == 0) start(values);
    ++vectors_;
    const std::string_view word = take_field(line);
    if (values > result_.width && !parse<double>(line.substr(0, line.find(' '))))
      return;  // GloVe has words such as ". . ."
    check_width(values);
    const int32_t row = row_of(word);
    if (row == kPaddingId || filled_[static_cast<size_t>(row)]) return;
    filled_[static_cast<size_t>(row)] = true;
    ++result_.found;
    float* out = result_.rows.data() + static_cast<int64_t>(row) * result_.width;
    for (int32_t i = 0; i < result_.width; ++i) out[i] = value(take_field(line));
  }

  /// The first vector fixes the width, unless the header has; only then is memory taken, so that a wrong header takes
  /// none.
  void start(int64_t values) {
    if (result_.width == 0) {
      if (values < 1)
        fail("not a word with its vector; the text form of the vectors is needed (.vec or .txt, unpacked)");
      result_.width = static_cast<int32_t>(values);
    }
    check_width(values);
    result_.rows.assign(static_cast<size_t>(vocabulary_.size()) * static_cast<size_t>(result_.width), 0.0F);
    filled_.assign(static_cast<size_t>(vocabulary_.size()), false);
  }

  void check_width(int64_t values) const {
    if (values != result_.width) {
      fail(fmt::format("{} values where the file's vectors have {}; download the file again", values, result_.width));
    }
  }

  /// kPaddingId for a word that is not wanted.
  int32_t row_of(std::string_view word) const {
    const int32_t id = vocabulary_.id(word);
    if (id != kUnknownId) return id;
    for (const int32_t reserved : {kUnknownId, kStartId, kEndId}) {
      if (word == vocabulary_.word(reserved)) return reserved;
    }
    return kPaddingId;
  }

  float value(std::string_view field) const {
    const auto number = parse<double>(field);  // double: a value under float's range is then 0, not an error
    if (!number)
      fail(fmt::format("{} is not a number; the text form of the vectors is needed (.vec or .txt, unpacked)",
                       shown(field)));
    const auto value = static_cast<float>(*number);
    if (!std::isfinite(value)) fail(fmt::format("the value {} is not a finite number", shown(field)));
    return value;
  }

  std::filesystem::path path_;
  const Vocabulary& vocabulary_;
  WordVectors result_;
  std::vector<bool> filled_;         ///< [vocabulary.size()]
  std::optional<int64_t> promised_;  ///< vectors, by the header
  int64_t vectors_ = 0, line_ = 0;
};

}  // namespace

WordVectors load_word_vectors(const std::filesystem::path& path, const Vocabulary& vocabulary) {
  return VectorReader(path, vocabulary).read();
}

}  // namespace notnot
