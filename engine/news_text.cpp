#include "engine/news_text.h"

#include <vector>

#include "engine/text.h"

namespace notnot {
namespace {

bool is_ascii_digit(char byte) { return byte >= '0' && byte <= '9'; }

/// Whether `b` follows `a` in the text without a gap.
bool touch(std::string_view a, std::string_view b) { return a.data() + a.size() == b.data(); }

/// Puts together what Unicode's boundaries cut at '-', '/' and ':' between digits: 3-4, 1/2, 12:30.
std::vector<std::string_view> join_numbers(const std::vector<std::string_view>& pieces) {
  std::vector<std::string_view> words;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const bool inside = !words.empty() && i + 1 < pieces.size() &&
                        (pieces[i] == "-" || pieces[i] == "/" || pieces[i] == ":") && touch(words.back(), pieces[i]) &&
                        touch(pieces[i], pieces[i + 1]) && is_ascii_digit(words.back().back()) &&
                        is_ascii_digit(pieces[i + 1].front());
    if (!inside) {
      words.push_back(pieces[i]);
      continue;
    }
    words.back() = {words.back().data(), words.back().size() + 1 + pieces[i + 1].size()};
    ++i;
  }
  return words;
}

}  // namespace

std::string tokenise_news(std::string_view text) {
  const std::string lower = to_lower(text);
  std::vector<std::string_view> words = join_numbers(split_at_word_boundaries(lower));
  for (std::string_view& word : words) {
    if (has_digit(word)) word = "qqq";
  }
  return join_words(words);
}

std::string thin_punctuation(std::string_view text) {
  std::string thinned;
  std::string_view last;  // of the run of non-word characters that is open; empty when none is
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
