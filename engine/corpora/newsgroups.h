#pragma once
// 20 Newsgroups, the "bydate" version as it is distributed: 20news-bydate-{train,test}/GROUP/NUMBER, in Latin-1 (Lang,
// "NewsWeeder: learning to filter netnews", ICML 1995). Only the groups rec.sport.baseball and rec.sport.hockey are
// read.
#include <string>
#include <string_view>
#include <vector>

#include "engine/data/dataset.h"
#include "engine/data/sources.h"

namespace notnot {

/// The body of a post, as scikit-learn's fetch_20newsgroups(remove=("headers", "footers", "quotes")) leaves it: the
/// text after the first empty line; without the last paragraph, if it is not the only one (a signature, after an empty
/// line or dashes); without lines that quote or introduce a quotation. `post` is valid UTF-8.
std::string strip_post(std::string_view post);

/// The published split (Jain & Wallace 2019): a table `fold`, `label`, `path` with tabs and a header.
std::string_view published_newsgroups_split();

/// The posts that `split` lists, in its order, cleaned as news_text.h says; most punctuation goes. Rows number the
/// records of `split`. Throws InputError naming the post that is missing.
std::vector<LabelledText> read_newsgroups(SourceReader& sources, std::string_view split = published_newsgroups_split());

}  // namespace notnot
