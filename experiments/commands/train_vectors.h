#pragma once
// Word vectors that the program fasttext trains on a data set's own training split.
#include <string>

#include "engine/data/prepared.h"

namespace notnot {

/// Runs `fasttext MODEL` (skipgram or cbow) on the training texts that `writer` keeps, on one thread, so that the same
/// texts give the same vectors. Throws InputError when the program is not installed or fails.
WordVectors train_word_vectors(const PreparedWriter& writer, const DatasetBuilder& builder, const std::string& model,
                               int32_t width);

}  // namespace notnot
