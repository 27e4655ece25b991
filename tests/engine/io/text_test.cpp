// Text in UTF-8: validation, lower case, words, and what messages show of it.
#include "engine/io/text.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

using namespace notnot;
using Words = std::vector<std::string_view>;

TEST_CASE("text: validation finds the first byte that is not UTF-8") {
  CHECK_FALSE(first_invalid_utf8("").has_value());
  CHECK_FALSE(first_invalid_utf8("caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80").has_value());
  CHECK(first_invalid_utf8("ab\xE9 d") == std::optional<size_t>(2));           // Latin-1
  CHECK(first_invalid_utf8("\xC0\xAF") == std::optional<size_t>(0));           // overlong
  CHECK(first_invalid_utf8("x\xED\xA0\x80") == std::optional<size_t>(1));      // surrogate
  CHECK(first_invalid_utf8("x\xF4\x90\x80\x80") == std::optional<size_t>(1));  // beyond U+10FFFF
  CHECK(first_invalid_utf8("abc\xE2\x82") == std::optional<size_t>(3));        // cut
}

TEST_CASE("text: lower case is Unicode's") {
  CHECK(to_lower("ABC") == "abc");
  CHECK(to_lower("\xC3\x89T\xC3\x89") == "\xC3\xA9t\xC3\xA9");
  CHECK(to_lower("\xCE\xA3\xCE\xA3") == "\xCF\x83\xCF\x82");  // a final sigma
  CHECK(to_lower("I") == "i");                                // whatever the locale
}

TEST_CASE("text: words") {
  CHECK(split_at_white_space(" a\tb\r\n\xC2\xA0"
                             "c\xE3\x80\x80"
                             "d\xE2\x80\xA8"
                             "e  ") == Words{"a", "b", "c", "d", "e"});
  CHECK(split_at_white_space(" \xC2\xA0").empty());
  CHECK(split_words("a\tb c") == Words{"a\tb", "c"});
  CHECK(join_words({"a", "b"}) == "a b");
  CHECK(blank_non_word("d\xC3\xA9j\xC3\xA0-vu_2 \xE2\x80\x94!") == "d\xC3\xA9j\xC3\xA0 vu_2   ");
}

TEST_CASE("text: what is shown in a message can be printed") {
  CHECK(in_quotes("abc") == "'abc'");
  CHECK(in_quotes("a\x01\xFF\n") == "'a\\x01\\xFF\\x0A'");
  CHECK(in_quotes("") == "''");
  CHECK(in_quotes("1\u00A0 \u3000") == "'1\\xC2\\xA0 \\xE3\\x80\\x80'");  // blanks that one cannot tell from a blank
  CHECK(in_quotes(std::string(1000, 'x')) == "'" + std::string(40, 'x') + "...'");
}

TEST_CASE("text: what is printed moves no cursor and turns no line around") {
  CHECK(printable("a b\n\u00E9 \u4F60 \u200C") == "a b\n\u00E9 \u4F60 \u200C");  // a joiner of Persian stays
  CHECK(printable("\x1B[2J\t\r\x7F") == "\\x1B[2J\\x09\\x0D\\x7F");
  CHECK(printable(std::string_view("\0", 1)) == "\\x00");
  CHECK(printable("\u009B31m") == "\\xC2\\x9B31m");
  CHECK(printable("\u202Eexe\u2066\u200F") == "\\xE2\\x80\\xAEexe\\xE2\\x81\\xA6\\xE2\\x80\\x8F");
  CHECK(printable("\u2028\u2029") == "\\xE2\\x80\\xA8\\xE2\\x80\\xA9");
  CHECK(printable("\x9B\xFF") == "\\x9B\\xFF");
}

TEST_CASE("text: word boundaries, Latin-1, digits, and what replaces bad bytes") {
  CHECK(split_at_word_boundaries("Don't stop, (3.14) e-mail!") ==
        Words{"Don't", "stop", ",", "(", "3.14", ")", "e", "-", "mail", "!"});
  CHECK(split_at_word_boundaries(" \n\xC2\xA0").empty());
  CHECK(split_at_word_boundaries("").empty());
  CHECK(from_latin1("caf\xE9 \xA0") == "caf\xC3\xA9 \xC2\xA0");
  CHECK(has_digit("a1"));
  CHECK(has_digit("\xD9\xA3"));  // Arabic three
  CHECK_FALSE(has_digit("one"));
  CHECK(replace_invalid_utf8(std::string_view("a\xFF"
                                              "b\0c",
                                              5)) ==
        "a\xEF\xBF\xBD"
        "b\xEF\xBF\xBD"
        "c");
  CHECK(split_characters("a\xC3\xA9") == Words{"a", "\xC3\xA9"});
  CHECK(icu_version().starts_with("ICU "));
}

TEST_CASE("text: byte order marks are taken out wherever they stand") {
  CHECK(without_byte_order_marks("") == "");
  CHECK(without_byte_order_marks("a b") == "a b");
  CHECK(without_byte_order_marks("\xEF\xBB\xBF\xEF\xBB\xBF"
                                 "a\xEF\xBB\xBF b\xEF\xBB\xBF") == "a b");
}

TEST_CASE("text: scripts, and letters of those that are written without blanks") {
  CHECK(script_of("film") == "Latin");
  CHECK(script_of("12 \xD1\x84") == "Cyrillic");
  CHECK(script_of("\xE7\x94\xB5") == "Han");
  CHECK(script_of("3:4").empty());
  CHECK(count_letters_without_blanks("film \xD1\x84 \xED\x95\x9C 12") == 0);  // Latin, Cyrillic, Hangul
  // Han, Hiragana, Katakana, a small Katakana letter, Thai, Lao, Khmer, Burmese
  CHECK(count_letters_without_blanks("\xE7\x94\xB5\xE3\x81\x82\xE3\x82\xA2\xE3\x83\x83\xE0\xB8\x81\xE0\xBA\x81"
                                     "\xE1\x9E\x80\xE1\x80\x80") == 8);
  CHECK(count_letters_without_blanks("\xE0\xB8\x81\xE0\xB8\xB4") == 1);  // a Thai letter and its vowel sign
  CHECK(count_letters_without_blanks("\xE3\x80\x82\xEF\xBC\x8C\xF0\x9F\x98\x80") == 0);  // full stop, comma, a face
}
