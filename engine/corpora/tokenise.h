#pragma once
// Where the published pipelines found words with spaCy (AG News, 20 Newsgroups, MIMIC-III).
#include <string_view>
#include <vector>

namespace notnot {

/// Words and punctuation marks: what lies between the word boundaries of Unicode (ICU), but for numbers such as 3-4,
/// 1/2 and 12:30, which stay whole: without that, 20 Newsgroups' scores and times alone make 6 posts of 1,151 miss the
/// length filter. Rare forms differ from spaCy's: "can't" is one word here, not "ca" and "n't". `text` is valid UTF-8.
std::vector<std::string_view> tokenise(std::string_view text);

}  // namespace notnot
