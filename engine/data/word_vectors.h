#pragma once
// Pretrained word vectors. Text form: fastText's (.vec, also word2vec's text format; the first line is "count width")
// and GloVe's (no such line). Each further line is a word and its values, separated by single blanks; a trailing blank
// is allowed. word2vec's binary form: the same first line, then per word the word, a blank and the values as
// little-endian floats, after which a newline may stand. The content tells the forms apart.
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/data/dataset.h"

namespace notnot {

struct WordVectors {
  int32_t width = 0;
  int64_t found = 0;  ///< rows that the file had
  /// [vocabulary.size(), width], row = id; row 0 and the rows of words that the file lacks are zero.
  std::vector<float> rows;
  std::vector<bool> has = {};  ///< [vocabulary.size()] whether the file had the row
  std::string checksum = {};   ///< SHA-256 of the file; empty for vectors that come from no file
};

/// The vectors of `vocabulary`, in one pass over the file. Words match byte for byte; if a word stands twice, its
/// first vector counts; `<UNK>`, `<SOS>` and `<EOS>` are taken from the file if it has them. As the published protocol
/// wants it, a word that the file lacks gets zeros. Values of words outside the vocabulary are counted, not read.
/// Throws InputError naming file and line (binary: vector): a number of values that is not the width, a value that is
/// no finite number, fewer or more vectors than the first line promises, no vectors at all, no such file.
WordVectors load_word_vectors(const std::filesystem::path& path, const Vocabulary& vocabulary);

/// Rows that the file lacked become N(0, 1), as the published protocol has it for word2vec; row 0 stays zero.
void draw_missing(WordVectors& vectors, uint64_t seed);

}  // namespace notnot
