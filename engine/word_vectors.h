#pragma once
// Pretrained word vectors in text form: fastText's (.vec, also word2vec's text format; the first line is "count width")
// and GloVe's (no such line). Each further line is a word and its values, separated by single blanks; a trailing blank
// is allowed.
#include <cstdint>
#include <filesystem>
#include <vector>

#include "engine/dataset.h"

namespace notnot {

struct WordVectors {
  int32_t width = 0;
  int64_t found = 0;  ///< rows that the file had
  /// [vocabulary.size(), width], row = id; row 0 and the rows of words that the file lacks are zero.
  std::vector<float> rows;
};

/// The vectors of `vocabulary`, in one pass over the file. Words match byte for byte; of a word that stands twice the
/// first counts; `<UNK>`, `<SOS>` and `<EOS>` are taken from the file if it has them. As the published protocol wants
/// it, a word that the file lacks gets zeros. Values of words outside the vocabulary are counted, not read.
/// Throws InputError naming file and line: a number of values that is not the width, a
/// value that is no finite number, fewer or more vectors than the first line promises, no vectors at all, no such file.
WordVectors load_word_vectors(const std::filesystem::path& path, const Vocabulary& vocabulary);

}  // namespace notnot
