#include "engine/corpora/tokenise.h"

#include "engine/io/text.h"

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

std::vector<std::string_view> tokenise(std::string_view text) { return join_numbers(split_at_word_boundaries(text)); }

}  // namespace notnot
