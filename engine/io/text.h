#pragma once
// Text in UTF-8, through ICU: validation, lower case, white space. Unicode's own definitions, no locale.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace notnot {

/// Some programs begin a file in UTF-8 with these bytes (U+FEFF). Where such files are put together they stand in the
/// middle, too. They are never part of a word.
inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// `text` without any byte order mark.
std::string without_byte_order_marks(std::string_view text);

/// Byte offset of the first byte that is not part of well-formed UTF-8; nothing when all of `text` is.
std::optional<size_t> first_invalid_utf8(std::string_view text);

/// `text` as valid UTF-8 without NUL: each maximal ill-formed piece and each NUL becomes U+FFFD.
std::string replace_invalid_utf8(std::string_view text);

/// `bytes` in ISO 8859-1 as UTF-8.
std::string from_latin1(std::string_view bytes);

/// Lower case by Unicode's full mapping, without a locale. `text` is valid UTF-8.
std::string to_lower(std::string_view text);

/// Letters, digits and `_` stay; every other code point becomes a blank. `text` is valid UTF-8.
std::string blank_non_word(std::string_view text);

/// `text` without the blanks and tabs at its ends.
std::string_view without_blanks_around(std::string_view text);

/// The pieces of `text` between runs of Unicode white space (no-break space included). `text` is valid UTF-8.
std::vector<std::string_view> split_at_white_space(std::string_view text);

/// The pieces of `text` between the word boundaries of Unicode Standard Annex #29, as ICU's root locale finds them,
/// without those that are white space. `text` is valid UTF-8.
std::vector<std::string_view> split_at_word_boundaries(std::string_view text);

/// "ICU 72.1", for example: word boundaries may differ from version to version.
std::string icu_version();

/// The code points of `text`, which is valid UTF-8.
std::vector<std::string_view> split_characters(std::string_view text);

/// A letter, a digit or `_`, by the first code point of `character`.
bool is_word_character(std::string_view character);

/// How many letters of `word` are of a script that is written without blanks between words: Han, Hiragana, Katakana,
/// Thai, Lao, Khmer, Burmese and others. Vowel signs and tone marks are not counted. `word` is valid UTF-8.
size_t count_letters_without_blanks(std::string_view word);

/// The name of the script of the first letter of `word`, "Latin" or "Han", say; empty if it has no letter. `word` is
/// valid UTF-8.
std::string script_of(std::string_view word);

/// Whether a decimal digit of any script is in `text`, which is valid UTF-8.
bool has_digit(std::string_view text);

/// The words of a tokenised text: the pieces between blanks.
std::vector<std::string_view> split_words(std::string_view words);

std::string join_words(const std::vector<std::string_view>& words);

/// `text` for a terminal: the bytes of control characters other than the line feed, of separators of lines and
/// paragraphs, of marks that change the direction of the writing, and of what is not UTF-8 as \xNN.
std::string printable(std::string_view text);

/// `text` for a message: in quotes, at most about 40 bytes of it, control and invisible characters and invalid
/// bytes as \xNN, and so is white space that looks like a blank and is none (U+00A0).
std::string in_quotes(std::string_view text);

}  // namespace notnot
