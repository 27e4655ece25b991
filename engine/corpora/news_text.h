#pragma once
// Cleans AG News and 20 Newsgroups as the published pipeline does.
#include <string>
#include <string_view>

namespace notnot {

/// Words and punctuation marks (see tokenise.h) in lower case, single blanks between them; a word with a digit becomes
/// `qqq`. `text` is valid UTF-8.
std::string tokenise_news(std::string_view text);

/// Each maximal run of characters that are no letter, digit or `_`, blanks included, is replaced by its last character
/// between blanks, and runs of white space by one blank: most punctuation goes.
std::string thin_punctuation(std::string_view text);

}  // namespace notnot
