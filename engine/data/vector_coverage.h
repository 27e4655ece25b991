#pragma once
// How much of a data set's texts word vectors cover, and why it is little where it is.
#include <cstdint>
#include <string>
#include <vector>

#include "engine/data/dataset.h"
#include "engine/data/word_vectors.h"

namespace notnot {

/// Warnings about vectors that load_word_vectors has read from `file`: it covers less than half of the running words of
/// the texts, with the likely cause; words of it were passed over. `running` has how often each id stands in the
/// training split; words outside the vocabulary do not count.
std::vector<std::string> vector_warnings(const Vocabulary& vocabulary, const std::vector<int64_t>& running,
                                         const WordVectors& vectors, const std::string& file);

/// The likely cause and what to do, in a message about vectors that cover few words. `running` as above.
std::string likely_cause(const Vocabulary& vocabulary, const std::vector<int64_t>& running, const WordVectors& vectors);

}  // namespace notnot
