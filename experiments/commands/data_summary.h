#pragma once
// Summaries of a prepared folder, for people: the row of the paper's Table 1, and more.
#include <string>

#include "engine/data/prepared.h"

namespace notnot {

/// Counts by split and class, and the published numbers beside them where there are some.
std::string counts_summary(const PreparedFolder& folder);
/// How long the texts are, as a histogram of words.
std::string length_histogram(const Dataset& dataset);
/// How much of each split the vocabulary and the word vectors cover.
std::string coverage_summary(const PreparedFolder& folder, const UnknownWords& unknown);
/// The first `count` texts of each class in the test split.
std::string sample_texts(const PreparedFolder& folder, int32_t count);

}  // namespace notnot
