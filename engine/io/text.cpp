#include "engine/io/text.h"

#include <unicode/brkiter.h>
#include <unicode/bytestream.h>
#include <unicode/casemap.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utext.h>
#include <unicode/utf8.h>
#include <unicode/uversion.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>

#include "kernels/base/error.h"

namespace notnot {
namespace {

struct CodePoint {
  UChar32 value;  ///< negative: not UTF-8
  std::string_view bytes;
};

/// The code point that starts at `begin`, which moves behind it.
CodePoint next_code_point(std::string_view text, size_t& begin) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  const int64_t size = text.size();
  int64_t end = begin;
  UChar32 value = 0;
  U8_NEXT(bytes, end, size, value);
  const CodePoint code_point = {value, text.substr(begin, end - begin)};
  begin = end;
  return code_point;
}

template <class IsSeparator>
std::vector<std::string_view> split(std::string_view text, const IsSeparator& is_separator) {
  std::vector<std::string_view> pieces;
  size_t piece = 0;
  for (size_t next = 0; next < text.size();) {
    const size_t here = next;
    if (!is_separator(next_code_point(text, next).value)) continue;
    if (here > piece) pieces.push_back(text.substr(piece, here - piece));
    piece = next;
  }
  if (piece < text.size()) pieces.push_back(text.substr(piece));
  return pieces;
}

/// Whether a terminal obeys `value` and does not show it. The joiners of Persian and of emoji are shown.
bool is_command(UChar32 value) {
  return u_isISOControl(value) != 0 || value == 0x2028 || value == 0x2029 ||
         u_hasBinaryProperty(value, UCHAR_BIDI_CONTROL) != 0;
}

std::string escaped(std::string_view bytes) {
  std::string result;
  for (const char byte : bytes) result += fmt::format("\\x{:02X}", static_cast<unsigned char>(byte));
  return result;
}

std::unique_ptr<icu::BreakIterator> make_word_iterator() {
  UErrorCode status = U_ZERO_ERROR;
  std::unique_ptr<icu::BreakIterator> words(icu::BreakIterator::createWordInstance(icu::Locale::getRoot(), status));
  NOTNOT_CHECK(U_SUCCESS(status), "ICU: {}", u_errorName(status));
  return words;
}

}  // namespace

std::optional<size_t> first_invalid_utf8(std::string_view text) {
  for (size_t next = 0; next < text.size();) {
    const size_t here = next;
    if (next_code_point(text, next).value < 0) return here;
  }
  return std::nullopt;
}

std::string replace_invalid_utf8(std::string_view text) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  std::string valid;
  valid.reserve(text.size());
  for (size_t next = 0; next < text.size();) {
    const CodePoint code_point = next_code_point(text, next);
    valid += code_point.value > 0 ? code_point.bytes : kReplacement;
  }
  return valid;
}

std::string without_byte_order_marks(std::string_view text) {
  std::string result;
  for (size_t begin = 0; begin < text.size();) {
    const size_t mark = std::min(text.find(kByteOrderMark, begin), text.size());
    result += text.substr(begin, mark - begin);
    begin = mark + kByteOrderMark.size();
  }
  return result;
}

std::string from_latin1(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    if (value < 0x80) {
      text += byte;
    } else {
      text += static_cast<char>(0xC0 | value >> 6);
      text += static_cast<char>(0x80 | (value & 0x3F));
    }
  }
  return text;
}

std::string to_lower(std::string_view text) {
  NOTNOT_CHECK(text.size() <= std::numeric_limits<int32_t>::max(), "a text of {} bytes is too long for ICU",
               text.size());
  const auto size = static_cast<int32_t>(text.size());
  std::string lower;
  icu::StringByteSink<std::string> sink(&lower, size);
  UErrorCode status = U_ZERO_ERROR;
  icu::CaseMap::utf8ToLower("", 0, icu::StringPiece(text.data(), size), sink, nullptr, status);
  NOTNOT_CHECK(U_SUCCESS(status), "ICU: {}", u_errorName(status));
  return lower;
}

std::vector<std::string_view> split_characters(std::string_view text) {
  std::vector<std::string_view> characters;
  for (size_t next = 0; next < text.size();) characters.push_back(next_code_point(text, next).bytes);
  return characters;
}

bool is_word_character(std::string_view character) {
  size_t next = 0;
  const UChar32 value = next_code_point(character, next).value;
  return u_isalnum(value) != 0 || value == '_';
}

size_t count_letters_without_blanks(std::string_view word) {
  size_t count = 0;
  for (size_t next = 0; next < word.size();) {
    const UChar32 value = next_code_point(word, next).value;
    // Line breaking needs a dictionary in just these scripts.
    const auto breaks = u_getIntPropertyValue(value, UCHAR_LINE_BREAK);
    const bool is_letter = u_isalpha(value) != 0;
    count += is_letter && (breaks == U_LB_COMPLEX_CONTEXT || breaks == U_LB_CONDITIONAL_JAPANESE_STARTER ||
                           breaks == U_LB_IDEOGRAPHIC);
  }
  return count;
}

std::string script_of(std::string_view word) {
  for (size_t next = 0; next < word.size();) {
    const UChar32 value = next_code_point(word, next).value;
    if (!u_isalpha(value)) continue;
    UErrorCode status = U_ZERO_ERROR;
    const UScriptCode script = uscript_getScript(value, &status);
    return U_SUCCESS(status) ? uscript_getName(script) : "";
  }
  return "";
}

bool has_digit(std::string_view text) {
  for (size_t next = 0; next < text.size();) {
    if (u_isdigit(next_code_point(text, next).value)) return true;
  }
  return false;
}

std::string blank_non_word(std::string_view text) {
  std::string words;
  words.reserve(text.size());
  for (size_t next = 0; next < text.size();) {
    const CodePoint code_point = next_code_point(text, next);
    if (is_word_character(code_point.bytes)) {
      words += code_point.bytes;
    } else {
      words += ' ';
    }
  }
  return words;
}

std::string_view without_blanks_around(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

std::vector<std::string_view> split_at_white_space(std::string_view text) {
  return split(text, [](UChar32 value) { return u_isUWhiteSpace(value) != 0; });
}

std::vector<std::string_view> split_at_word_boundaries(std::string_view text) {
  // Making an iterator reads and compiles rules, so each thread keeps one.
  thread_local const std::unique_ptr<icu::BreakIterator> words = make_word_iterator();
  UErrorCode status = U_ZERO_ERROR;
  UText content = UTEXT_INITIALIZER;
  utext_openUTF8(&content, text.data(), text.size(), &status);
  words->setText(&content, status);
  std::vector<std::string_view> pieces;
  if (U_SUCCESS(status)) {
    for (int32_t begin = words->first(), end = words->next(); end != icu::BreakIterator::DONE; end = words->next()) {
      const auto piece = text.substr(begin, end - begin);
      // A piece is either all white space or has none, so its first code point tells.
      size_t next = 0;
      if (u_isUWhiteSpace(next_code_point(piece, next).value) == 0) pieces.push_back(piece);
      begin = end;
    }
  }
  utext_close(&content);
  NOTNOT_CHECK(U_SUCCESS(status), "ICU: {}", u_errorName(status));
  return pieces;
}

std::string icu_version() {
  UVersionInfo version;
  u_getVersion(version);
  return fmt::format("ICU {}.{}", version[0], version[1]);
}

std::vector<std::string_view> split_words(std::string_view words) {
  return split(words, [](UChar32 value) { return value == ' '; });
}

std::string join_words(const std::vector<std::string_view>& words) {
  std::string joined;
  for (const std::string_view word : words) {
    if (!joined.empty()) joined += ' ';
    joined += word;
  }
  return joined;
}

std::string printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (size_t next = 0; next < text.size();) {
    const auto [value, bytes] = next_code_point(text, next);
    const bool shown = value == '\n' || (value >= 0 && !is_command(value));
    result += shown ? bytes : escaped(bytes);
  }
  return result;
}

std::string in_quotes(std::string_view text) {
  constexpr size_t kLongest = 40;
  std::string result = "'";
  size_t next = 0;
  while (next < text.size() && next < kLongest) {
    const auto [value, bytes] = next_code_point(text, next);
    const bool shown = value == ' ' || (value >= 0 && !u_iscntrl(value) && !u_isUWhiteSpace(value));
    result += shown ? bytes : escaped(bytes);
  }
  return result + (next < text.size() ? "...'" : "'");
}

}  // namespace notnot
