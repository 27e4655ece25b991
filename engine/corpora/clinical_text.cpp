#include "engine/corpora/clinical_text.h"

#include <algorithm>
#include <vector>

#include "engine/corpora/tokenise.h"
#include "engine/io/text.h"

namespace notnot {
namespace {

bool is_ascii_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// `text` is valid UTF-8.
std::string_view character_at(std::string_view text, size_t at) {
  size_t size = 1;
  while (at + size < text.size() && (static_cast<unsigned char>(text[at + size]) & 0xC0) == 0x80) ++size;
  return text.substr(at, size);
}

size_t skip_blanks(std::string_view text, size_t at) { return std::min(text.find_first_not_of(' ', at), text.size()); }

/// The end of the `pattern` that starts at `at`, with or without blanks between its characters; npos if none starts
/// there.
size_t end_of_spaced(std::string_view text, size_t at, std::string_view pattern) {
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (i > 0) at = skip_blanks(text, at);
    if (at >= text.size() || text[at] != pattern[i]) return std::string_view::npos;
    ++at;
  }
  return at;
}

std::string replace_deidentified(std::string_view text) {
  std::string replaced;
  bool closes = true;  // once a bracket has no end, those after it have none either
  for (size_t at = 0; at < text.size();) {
    const size_t content = closes ? end_of_spaced(text, at, "[**") : std::string_view::npos;
    size_t end = std::string_view::npos;
    if (content != std::string_view::npos) {
      for (size_t i = content; i < text.size() && end == std::string_view::npos; ++i)
        end = end_of_spaced(text, i, "**]");
      closes = end != std::string_view::npos;
    }
    if (end != std::string_view::npos) {
      replaced += " <DE> ";
      at = end;
    } else {
      replaced += text[at++];
    }
  }
  return replaced;
}

std::string collapse_repeated(std::string_view text) {
  std::string collapsed;
  for (size_t at = 0; at < text.size();) {
    const std::string_view character = character_at(text, at);
    collapsed += character;
    at += character.size();
    if (character == " " || is_ascii_alphanumeric(character[0])) continue;
    size_t end = at;
    for (size_t next = skip_blanks(text, end); text.substr(next).starts_with(character);) {
      end = next + character.size();
      next = skip_blanks(text, end);
    }
    if (end > at) collapsed += ' ';
    at = end;
  }
  return collapsed;
}

}  // namespace

std::string clean_clinical_text(std::string_view text) {
  const std::string lower = to_lower(join_words(tokenise(text)));
  const std::string collapsed = collapse_repeated(replace_deidentified(lower));
  std::vector<std::string_view> words = split_words(collapsed);
  for (std::string_view& word : words) {
    if (has_digit(word)) word = "qqq";
  }
  return join_words(words);
}

}  // namespace notnot
