#pragma once
// The Large Movie Review Dataset as it is distributed: aclImdb/{train,test}/{pos,neg}/ID_RATING.txt (Maas et al.,
// "Learning word vectors for sentiment analysis", ACL 2011).
#include <string>
#include <string_view>
#include <vector>

#include "engine/data/dataset.h"
#include "engine/data/sources.h"

namespace notnot {

/// Lower case; ASCII punctuation but the apostrophe, tabs and newlines become blanks; single blanks between words.
std::string clean_imdb(std::string_view review);

/// The published folds (Jain & Wallace 2019), document by document and in their order:
///
/// order      the documents of a half: pos before neg, names in byte order
/// words      a test document keeps only the words that some training document has
/// length     documents of 400 words or more are dropped, and those without a word
/// folds      NumPy's permutation with seed 1378; the first fifth (rounded up) of the training documents is dev; the
///            last fifth (rounded down) of the test documents is test, and the other test documents are left out
///
/// Rows number the 50,000 documents in their order, train before test. Throws InputError on files that are missing or
/// not UTF-8.
std::vector<LabelledText> read_imdb(SourceReader& sources);

}  // namespace notnot
