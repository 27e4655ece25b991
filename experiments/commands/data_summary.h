#pragma once
// Summaries of a prepared folder as text for people.
#include <string>

#include "engine/data/prepared.h"

namespace notnot {

/// Counts by split and class; beside them the published numbers, if the paper has the data set.
std::string counts_summary(const PreparedFolder& folder);
/// How long the texts are, as a histogram of words.
std::string length_histogram(const Dataset& dataset);
/// How much of each split the vocabulary and the word vectors cover.
std::string coverage_summary(const PreparedFolder& folder, const UnknownWords& unknown);
/// The first `count` texts of each class in the test split.
std::string sample_texts(const PreparedFolder& folder, int32_t count);

}  // namespace notnot
