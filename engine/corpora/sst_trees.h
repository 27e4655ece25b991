#pragma once
// The Stanford Sentiment Treebank as it is distributed: one bracketed tree per line, every node with a sentiment of 0
// to 4 (Socher et al., "Recursive deep models for semantic compositionality over a sentiment treebank", EMNLP 2013).
#include <string>
#include <string_view>
#include <vector>

#include "engine/data/dataset.h"
#include "engine/data/sources.h"

namespace notnot {

/// Reads `train.txt`, `dev.txt` and `test.txt`. Whole sentences only: the root's sentiment 0 or 1 is label 0, 3 or 4 is
/// label 1, neutral sentences (2) are dropped. The texts are those of the published `sst_dataset.csv`, in its order and
/// with its row numbers: brackets (-LRB-, -RRB-) removed, then clean_sst. Throws InputError naming file and line when a
/// tree is malformed.
std::vector<LabelledText> read_sst_trees(SourceReader& sources);

/// Every character that is no letter, digit or `_` is made a blank (the trees' backslash escapes too), lower case, and
/// the two things that the tokeniser of the published file splits here: "gonna" into "gon na", "28k" into "28 k".
/// `sentence` is valid UTF-8.
std::string clean_sst(std::string_view sentence);

struct SstSentence {
  std::string words;      ///< processed as above
  int32_t sentiment = 0;  ///< 0 (very negative) to 4 (very positive), of the whole sentence
};
/// One tree. `where` names file and line in messages.
SstSentence parse_sst_tree(std::string_view line, const std::string& where);

}  // namespace notnot
