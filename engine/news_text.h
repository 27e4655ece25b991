#pragma once
// What the published pipeline does to AG News and 20 Newsgroups. It found the words with spaCy; here they are what lies
// between the word boundaries of Unicode (ICU), but for numbers such as 3-4, 1/2 and 12:30, which stay whole: without
// that, 20 Newsgroups' scores and times alone make 6 posts of 1,151 miss the length filter. Rare forms differ: "can't"
// is one word here, not "ca" and "n't".
#include <string>
#include <string_view>

namespace notnot {

/// Words and punctuation marks in lower case, single blanks between them; a word with a digit becomes `qqq`. `text` is
/// valid UTF-8.
std::string tokenise_news(std::string_view text);

/// Each maximal run of characters that are no letter, digit or `_`, blanks included, is replaced by its last character
/// between blanks, and runs of white space by one blank: most punctuation goes.
std::string thin_punctuation(std::string_view text);

}  // namespace notnot
