#include "engine/data/word_vectors.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "engine/data/vector_coverage.h"
#include "engine/io/file_kind.h"
#include "engine/io/input_error.h"
#include "engine/io/input_stream.h"
#include "engine/io/memory.h"
#include "engine/io/text.h"
#include "engine/math/random.h"

namespace notnot {
namespace {

constexpr std::string_view kBlanks = " \t";

template <class Number>
std::optional<Number> parse(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Infinity for a number that is too large, 0 for one that is too small; nothing for what is no number.
std::optional<double> parse_value(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::invalid_argument || end != text.data() + text.size()) return std::nullopt;
  // from_chars does not say on which side a number is out of range.
  return error == std::errc() ? number : std::strtod(std::string(text).c_str(), nullptr);
}

/// The pieces of `line` between runs of blanks and tabs.
void split_fields(std::string_view line, std::vector<std::string_view>& fields) {
  fields.clear();
  for (size_t begin = line.find_first_not_of(kBlanks); begin < line.size();) {
    const size_t end = std::min(line.find_first_of(kBlanks, begin), line.size());
    fields.push_back(line.substr(begin, end - begin));
    begin = line.find_first_not_of(kBlanks, end);
  }
}

/// How many vectors the first line promises, and of which width.
struct Header {
  int64_t count = 0;
  int32_t width = 0;
};

std::optional<Header> parse_header(std::string_view line) {
  std::vector<std::string_view> fields;
  split_fields(line, fields);
  if (fields.size() != 2) return std::nullopt;
  const auto count = parse<int64_t>(fields[0]);
  const auto width = parse<int32_t>(fields[1]);
  return count && width ? std::optional(Header{*count, *width}) : std::nullopt;
}

std::string too_wide(int64_t width) {
  return fmt::format("a width of {}, where {} is the most; download the file again", width, kWidestVectors);
}

/// What stands around the word, as a sentence of a message; empty for a plain word.
std::string_view decoration_of(std::string_view word) {
  if (word.starts_with("/c/")) return "most of its words begin with /c/ and a language: take that off";
  if (word.size() > 2 && word.front() == '"' && word.back() == '"')
    return "most of its words are in quotes: take them off";
  const size_t tag = word.rfind('_');
  const bool tagged = tag != word.npos && tag > 0 && tag + 1 < word.size() &&
                      word.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ", tag + 1) == word.npos;
  return tagged ? "most of its words end with a tag, such as _NOUN: take it off" : "";
}

/// Finds the rows that words of the file belong to, and keeps in mind what the other words tell.
class RowFinder {
 public:
  RowFinder(const Vocabulary& vocabulary, WordVectors& vectors) : vocabulary_(vocabulary), vectors_(vectors) {}

  void start(int32_t width, const std::filesystem::path& path) {
    check_memory(int64_t{vocabulary_.size()} * width, sizeof(float),
                 fmt::format("{}, for {} words with {} values each,", path.string(), vocabulary_.size(), width));
    vectors_.width = width;
    vectors_.rows.assign(static_cast<size_t>(vocabulary_.size()) * width, 0.0F);
    vectors_.has.assign(vocabulary_.size(), false);
    vectors_.has_capitals.assign(vocabulary_.size(), false);
  }

  /// The row to fill; nullptr for a word that is not needed.
  float* find(std::string_view word) {
    if (++vectors_.words <= kFirstWords) vectors_.first.emplace_back(word);
    if (first_invalid_utf8(word)) {
      ++vectors_.not_utf8;
      return nullptr;
    }
    if (scripts_read_ < kScriptWords) {
      ++scripts_read_;
      ++scripts_[script_of(word)];
      ++decorations_[decoration_of(word)];
    }
    const int32_t row = row_of(word);
    if (row == kPaddingId && std::any_of(word.begin(), word.end(), may_be_capital)) {
      const int32_t lower = vocabulary_.id(to_lower(word));
      if (lower != kUnknownId) vectors_.has_capitals[lower] = true;
    }
    if (row == kPaddingId) return nullptr;
    if (vectors_.has[row]) {
      ++vectors_.repeated;
      return nullptr;
    }
    vectors_.has[row] = true;
    ++vectors_.found;
    return vectors_.rows.data() + static_cast<int64_t>(row) * vectors_.width;
  }

  /// Throws InputError, naming the file, if none of the words was found.
  void finish(const std::filesystem::path& path) {
    scripts_.erase("");
    const auto most = std::max_element(scripts_.begin(), scripts_.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    if (most != scripts_.end()) vectors_.script = most->first;
    for (const auto& [decoration, count] : decorations_) {
      if (2 * count > scripts_read_) vectors_.decoration = decoration;
    }
    if (std::find(vectors_.has.begin() + kFirstWordId, vectors_.has.end(), true) != vectors_.has.end())
      return check_values(path);
    const std::vector<int64_t> once(vocabulary_.size(), 1);
    throw InputError(fmt::format("{} has a vector for none of the {} words of the data set; {}", path.string(),
                                 vocabulary_.size() - kFirstWordId, likely_cause(vocabulary_, once, vectors_)));
  }

 private:
  /// Throws InputError where the values say nothing of the words.
  void check_values(const std::filesystem::path& path) const {
    const auto is_zero = [](float value) { return value == 0; };
    const auto is_whole = [](float value) { return value == std::floor(value); };
    if (std::all_of(vectors_.rows.begin(), vectors_.rows.end(), is_zero)) {
      throw InputError(
          fmt::format("{}: the vectors of all words of the data set are zero; download the file again", path.string()));
    }
    if (vectors_.width == 1 && std::all_of(vectors_.rows.begin(), vectors_.rows.end(), is_whole)) {
      throw InputError(
          fmt::format("{} looks like a list of words with a count or number each; give word vectors", path.string()));
    }
  }

  static constexpr int kScriptWords = 10000, kFirstWords = 3;

  /// Saves most words the mapping to lower case.
  static bool may_be_capital(char byte) { return (byte >= 'A' && byte <= 'Z') || byte < 0; }

  /// kPaddingId for a word that the vocabulary lacks.
  int32_t row_of(std::string_view word) const {
    const int32_t id = vocabulary_.id(word);
    if (id != kUnknownId) return id;
    for (const int32_t reserved : {kUnknownId, kStartId, kEndId}) {
      if (word == vocabulary_.word(reserved)) return reserved;
    }
    return kPaddingId;
  }

  const Vocabulary& vocabulary_;
  WordVectors& vectors_;
  std::map<std::string, int64_t> scripts_;           ///< of the first words
  std::map<std::string_view, int64_t> decorations_;  ///< of the same words
  int scripts_read_ = 0;
};

class TextReader {
 public:
  TextReader(InputStream& file, const Vocabulary& vocabulary) : file_(file), rows_(vocabulary, result_) {
    const std::string_view beginning = file.peek(kTellingBytes);
    kind_ = is_web_page(beginning)                                                  ? "; this looks like a web page"
            : beginning.find_first_of("{[") == 0                                    ? "; this looks like JSON"
            : beginning.substr(0, beginning.find('\n')).find(',') != beginning.npos ? "; this may be a table (CSV)"
                                                                                    : "";
  }

  WordVectors read() {
    for (std::string line; file_.read_line(line);) {
      ++line_;
      std::string_view text = line;
      while (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
      if (text.ends_with('\r')) text.remove_suffix(1);
      split_fields(text, fields_);
      if (line_ == 1 && read_header(text)) continue;
      read_vector(text.find_first_of(kBlanks) == 0);
    }
    if (vectors_ == 0)
      throw InputError(fmt::format("{}: no vectors in the file; download it again", file_.path().string()));
    if (promised_ && *promised_ != vectors_) {
      fail(fmt::format("the file ends after {} vectors, but its first line says {}; download it again", vectors_,
                       *promised_));
    }
    rows_.finish(file_.path());
    return std::move(result_);
  }

 private:
  [[noreturn]] void fail(const std::string& message) const {
    throw InputError(fmt::format("{}, line {}: {}", file_.path().string(), line_, message));
  }
  [[noreturn]] void fail_as_no_vectors(const std::string& message) const {
    fail(fmt::format("{}; every line must be a word and its values, with blanks between them (.vec or .txt){}", message,
                     kind_));
  }

  bool read_header(std::string_view line) {
    const auto header = parse_header(line);
    if (!header) return false;
    if (header->count < 1 || header->width < 1) fail("a count and a width above 0 are needed");
    if (header->width > kWidestVectors) fail(too_wide(header->width));
    promised_ = header->count;
    width_ = header->width;
    return true;
  }

  /// The line whose fields_ are there. If a blank stands first, its word is empty.
  void read_vector(bool begins_with_blank) {
    if (fields_.empty()) {
      ended_ = true;
      return;
    }
    if (ended_) fail("an empty line between vectors; download the file again");
    if (begins_with_blank && static_cast<int64_t>(fields_.size()) == width_) fields_.insert(fields_.begin(), "");
    if (vectors_ == 0) start();
    ++vectors_;
    const auto values = static_cast<int64_t>(fields_.size()) - 1;
    if (values > width_ && !parse_value(fields_[1]) && ends_with_values()) return;  // a word with blanks, as in GloVe
    check_width(values);
    float* row = rows_.find(fields_[0]);
    if (row == nullptr) return;
    for (int64_t i = 0; i < values; ++i) row[i] = value(fields_[i + 1]);
  }

  /// The first vector fixes the width, unless the header did. Memory is taken only here, so that a wrong header takes
  /// none.
  void start() {
    const auto values = static_cast<int64_t>(fields_.size()) - 1;
    if (values < 1) fail_as_no_vectors(fmt::format("{} has no values", in_quotes(fields_[0])));
    if (width_ == 0) width_ = values;
    if (values < width_) check_width(values);
    if (width_ > kWidestVectors) fail(too_wide(width_));
    for (int64_t i = 0; i < width_; ++i) {
      const std::string_view field = fields_[fields_.size() - width_ + i];
      if (!parse_value(field)) fail_as_no_vectors(fmt::format("{} is not a number", in_quotes(field)));
    }
    rows_.start(static_cast<int32_t>(width_), file_.path());
  }

  bool ends_with_values() const {
    return std::all_of(fields_.end() - width_, fields_.end(),
                       [](std::string_view field) { return parse_value(field).has_value(); });
  }

  void check_width(int64_t values) const {
    if (values == width_) return;
    fail(fmt::format("{} values where the file's vectors have {}; download the file again{}", values, width_,
                     values > width_ ? ", or write a word with blanks without them" : ""));
  }

  float value(std::string_view field) const {
    const auto number = parse_value(field);
    if (!number) fail(fmt::format("{} is not a number; download the file again", in_quotes(field)));
    const auto value = static_cast<float>(*number);
    if (!std::isfinite(value)) fail(fmt::format("the value {} is not a finite number", in_quotes(field)));
    return value;
  }

  InputStream& file_;
  WordVectors result_;
  RowFinder rows_;
  std::string kind_;                      ///< what the file looks like, for the end of a message
  std::vector<std::string_view> fields_;  ///< of the line
  std::optional<int64_t> promised_;       ///< vectors, by the header
  int64_t width_ = 0, vectors_ = 0, line_ = 0;
  bool ended_ = false;  ///< an empty line was read
};

/// Whether no text has the byte.
bool is_control(char byte) { return byte >= 0 && byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r'; }

/// How far the sizes of the floats in `bytes` are from those of word vectors, in powers of 2: some 2 for each value of
/// word vectors, some 64 for each four bytes that are no float.
int64_t strangeness(std::string_view bytes) {
  constexpr int kUsual = 124;  // the exponent of numbers from 1/8 to 1/4, as floats store it
  int64_t sum = 0;
  for (; bytes.size() >= sizeof(uint32_t); bytes.remove_prefix(sizeof(uint32_t))) {
    uint32_t bits = 0;
    std::memcpy(&bits, bytes.data(), sizeof(bits));
    const bool zero = bits << 1 == 0;
    if (!zero) sum += std::abs(static_cast<int>(bits >> 23 & 0xFF) - kUsual);
  }
  return sum;
}

/// word2vec's binary form.
class BinaryReader {
 public:
  BinaryReader(InputStream& file, const Vocabulary& vocabulary, const Header& header)
      : file_(file), count_(header.count), rows_(vocabulary, result_), width_(header.width) {}

  WordVectors read() {
    std::string line;
    file_.read_line(line);
    vector_ = 1;
    if (width_ > kWidestVectors) fail(too_wide(width_));
    std::vector<float> values(width_);
    for (; vector_ <= count_; ++vector_) {
      const std::string word = read_word();
      read_values(values);
      check_end(word, values);
      if (vector_ == 1) rows_.start(width_, file_.path());  // not before: a wrong header must not take memory
      float* row = rows_.find(word);
      if (row == nullptr) continue;
      if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }))
        fail("a value is not a finite number");
      std::copy(values.begin(), values.end(), row);
    }
    vector_ = count_;
    const std::string_view rest = file_.peek(2);
    if (rest != "" && rest != "\n") fail("bytes after the last vector; download the file again");
    if (2 * result_.not_utf8 > count_)
      fail(fmt::format("{} words are not UTF-8; word2vec's binary form is needed, or a text form", result_.not_utf8));
    rows_.finish(file_.path());
    return std::move(result_);
  }

 private:
  [[noreturn]] void fail(const std::string& message) const {
    throw InputError(fmt::format("{}, vector {} of {} (binary): {}", file_.path().string(), vector_, count_, message));
  }

  std::string read_word() {
    constexpr size_t kLongestWord = 10000;
    std::string word;
    for (char byte = 0; word.size() <= kLongestWord;) {
      if (file_.read(&byte, 1) == 0) fail("the file is cut short; download it again");
      if (byte == ' ') return word;
      if (byte != '\n' || !word.empty()) word += byte;
    }
    fail(fmt::format("{} is no word; word2vec's binary form is needed, or a text form", in_quotes(word)));
  }

  /// Throws InputError if `word` seems to go on behind its blank: if what begins behind a later blank looks as much
  /// like values as `values` do, which begin behind the first one. Where such a file is read on, the values are wrong,
  /// and the next word begins with the last of them; nothing else need show it. A word that goes on for longer than the
  /// values are leaves bytes behind the last vector.
  void check_end(const std::string& word, const std::vector<float>& values) {
    constexpr int64_t kDoubt = 16;
    const std::string_view bytes(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
    int64_t least = strangeness(bytes) + kDoubt;
    std::optional<size_t> end;
    for (size_t i = 0; i < bytes.size() && !is_control(bytes[i]); ++i) {
      if (bytes[i] != ' ') continue;
      const std::string_view next = file_.peek(i + 1);
      if (next.size() <= i) break;  // other values would go on behind the end of the file
      const int64_t other = strangeness(std::string(bytes.substr(i + 1)).append(next.substr(0, i + 1)));
      if (other >= least) continue;
      least = other;
      end = i;
    }
    if (!end) return;
    fail(
        fmt::format("the word {} seems to have a blank in it, which the binary format cannot hold; save the vectors as "
                    "text, or with _ for blanks",
                    in_quotes(fmt::format("{} {}", word, bytes.substr(0, *end)))));
  }

  void read_values(std::vector<float>& values) {
    auto* bytes = reinterpret_cast<char*>(values.data());
    for (size_t left = values.size() * sizeof(float); left > 0;) {
      const size_t got = file_.read(bytes, left);
      if (got == 0) fail("the file is cut short; download it again");
      bytes += got;
      left -= got;
    }
  }

  InputStream& file_;
  int64_t count_, vector_ = 0;
  WordVectors result_;
  RowFinder rows_;
  int32_t width_;
};

/// The first line if the file is in word2vec's binary form: it says count and width, and bytes that no text form has
/// stand where the first values are.
std::optional<Header> binary_header(std::string_view beginning) {
  const size_t end = beginning.find('\n');
  const auto header = parse_header(beginning.substr(0, end));
  if (end == beginning.npos || !header || header->count < 1 || header->width < 1) return std::nullopt;
  std::string_view values = beginning.substr(end + 1);
  values.remove_prefix(std::min(values.find_first_of(kBlanks), values.size()));
  values = values.substr(0, header->width * sizeof(float) + 1);
  const bool binary = std::any_of(values.begin(), values.end(), is_control) ||
                      first_invalid_utf8(values.substr(0, values.find('\n'))).has_value();
  return binary ? header : std::nullopt;
}

}  // namespace

WordVectors load_word_vectors(const std::filesystem::path& path, const Vocabulary& vocabulary) {
  constexpr size_t kHeaderAndValues = 8192;
  InputStream file(path);
  const auto header = binary_header(file.peek(kHeaderAndValues));
  WordVectors vectors = header ? BinaryReader(file, vocabulary, *header).read() : TextReader(file, vocabulary).read();
  vectors.checksum = file.checksum();
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
