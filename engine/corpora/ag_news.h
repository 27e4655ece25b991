#pragma once
// AG News as it is distributed: ag_news_csv/{train,test}.csv, records "class","title","description" without a header
// (Zhang et al., "Character-level convolutional networks for text classification", NeurIPS 2015).
#include <vector>

#include "engine/data/dataset.h"
#include "engine/data/sources.h"
#include "engine/data/stratified_split.h"

namespace notnot {

/// Class 1 (world) as label 0 and class 3 (business) as label 1. A text is the description only, without the title,
/// cleaned as news_text.h says. The publisher has no dev split: `request` deals it out of the training file; its `test`
/// is not used. Rows number the records, train before test. Throws InputError naming file and record.
std::vector<LabelledText> read_ag_news(SourceReader& sources, const SplitRequest& request);

}  // namespace notnot
