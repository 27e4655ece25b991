#include "engine/io/file_name.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "engine/io/text.h"
#include "kernels/base/error.h"

namespace notnot {
namespace {

constexpr size_t kLongest = 100;  // leaves room in the 255 bytes of a file name

UChar32 code_point(std::string_view character) {
  UChar32 c = 0;
  const auto* bytes = reinterpret_cast<const uint8_t*>(character.data());
  U8_GET_OR_FFFD(bytes, 0, 0, static_cast<int32_t>(character.size()), c);
  return c;
}

/// Marks belong to the letter before them: without its marks, a word of Hindi cannot be read.
bool is_mark(UChar32 c) { return (U_GET_GC_MASK(c) & U_GC_M_MASK) != 0; }

}  // namespace

std::string plain_file_name(std::string_view text) {
  std::string name;
  const std::string valid = replace_invalid_utf8(text);
  for (const std::string_view character : split_characters(valid)) {
    if (name.size() + character.size() > kLongest) break;
    const UChar32 c = code_point(character);
    const bool in_word = !name.empty() && name.back() != '-';
    if (u_isalnum(c) != 0 || (in_word && is_mark(c))) {
      name += character;
    } else if (in_word) {
      name += '-';
    }
  }
  return name;
}

bool can_name_file(std::string_view text) {
  constexpr size_t kMostBytes = 255;  // as in the file systems of Linux
  if (text.empty() || text.size() > kMostBytes || text == "." || text == "..") return false;
  const std::vector<std::string_view> characters = split_characters(text);
  return std::none_of(characters.begin(), characters.end(), [](std::string_view character) {
    return character == "/" || u_charType(code_point(character)) == U_CONTROL_CHAR;
  });
}

std::string file_name_key(const std::string& name) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* folding = icu::Normalizer2::getNFKCCasefoldInstance(status);
  NOTNOT_CHECK(U_SUCCESS(status), "ICU has no case folding: {}", u_errorName(status));
  std::string key;
  folding->normalize(icu::UnicodeString::fromUTF8(name), status).toUTF8String(key);
  NOTNOT_CHECK(U_SUCCESS(status), "ICU cannot fold a name: {}", u_errorName(status));
  return key;
}

}  // namespace notnot
