#include "engine/corpora/news_text.h"

#include <vector>

#include "engine/corpora/tokenise.h"
#include "engine/io/text.h"

namespace notnot {

std::string tokenise_news(std::string_view text) {
  const std::string lower = to_lower(text);
  std::vector<std::string_view> words = tokenise(lower);
  for (std::string_view& word : words) {
    if (has_digit(word)) word = "qqq";
  }
  return join_words(words);
}

std::string thin_punctuation(std::string_view text) {
  std::string thinned;
  std::string_view last;  // the last character of the run of non-word characters that is open; empty if none is
  const auto close = [&] {
    if (!last.empty()) thinned.append(" ").append(last).append(" ");
    last = {};
  };
  for (const std::string_view character : split_characters(text)) {
    if (is_word_character(character)) {
      close();
      thinned += character;
    } else {
      last = character;
    }
  }
  close();
  return join_words(split_at_white_space(thinned));
}

}  // namespace notnot
