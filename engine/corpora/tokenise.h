#pragma once
// Finds the words of the corpora for which the published pipelines used spaCy (AG News, 20 Newsgroups, MIMIC-III).
#include <string_view>
#include <vector>

namespace notnot {

/// Words and punctuation marks: the pieces between the word boundaries of Unicode (ICU). Numbers such as 3-4, 1/2 and
/// 12:30 stay whole: otherwise the scores and times in 20 Newsgroups make 6 posts of 1,151 miss the length filter. Rare
/// forms differ from spaCy's: "can't" is one word here, not "ca" and "n't". `text` is valid UTF-8.
std::vector<std::string_view> tokenise(std::string_view text);

}  // namespace notnot
