#pragma once
// Pretrained word vectors. The content of the file tells its form:
//
// text    fastText's (.vec, also word2vec's text form; the first line is "count width") and GloVe's (no such line).
//         Each further line is a word and its values, with blanks or tabs between them and perhaps behind them. Empty
//         lines may stand at the end. A word may have blanks itself, as some of GloVe's do.
// binary  word2vec's: the same first line, then per word the word, a blank and the values as little-endian floats,
//         after which a newline may stand. A word with a blank, which gensim writes too, cannot be told from a word
//         and its values; such a file is refused. With fewer than 8 values a sound one may be, too: so few bytes tell
//         little.
//
// Words that are not UTF-8 are passed over: word2vec cuts long words inside a character, and old tools wrote Latin-1.
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/data/dataset.h"

namespace notnot {

/// Published vectors have some hundreds of values. A wider file is damaged or made to fill the memory.
inline constexpr int32_t kWidestVectors = 10000;

struct WordVectors {
  int32_t width = 0;
  int64_t found = 0;  ///< rows that the file had
  /// [vocabulary.size(), width], row = id; row 0 and the rows of words that the file lacks are zero.
  std::vector<float> rows;
  std::vector<bool> has = {};  ///< [vocabulary.size()] whether the file had the row
  std::string checksum = {};   ///< SHA-256 of the file; empty for vectors that come from no file

  // What explains a file that covers few words (vector_coverage.h).
  std::vector<bool> has_capitals = {};  ///< [vocabulary.size()] whether the file had the word with other letters' case
  std::string script = {};              ///< script_of most of the file's first words
  std::string decoration = {};          ///< what most of the file's first words have around them, as a sentence
  std::vector<std::string> first = {};  ///< the file's first words, three at most
  int64_t words = 0;                    ///< of the file
  int64_t not_utf8 = 0;                 ///< words that were passed over
  int64_t repeated = 0;                 ///< vectors that were passed over, of words of the vocabulary that had one
};

/// The vectors of `vocabulary`, in one pass over the file, which may be a pipe or packed with gzip. Words match byte
/// for byte; if a word stands twice, its first vector counts; `<UNK>`, `<SOS>` and `<EOS>` are taken from the file if
/// it has them. As the published protocol wants it, a word that the file lacks gets zeros. The values of words outside
/// the vocabulary are counted, not read, but for the first vector's.
/// Throws InputError naming file and line (binary: vector) and, where it is certain, what the file is instead: a number
/// of values that is not the width, a value that is no finite number, a word of the binary form that has a blank, fewer
/// or more vectors than the first line promises, no vectors at all, none of a word of the vocabulary, zeros only, whole
/// numbers of width 1, no such file.
WordVectors load_word_vectors(const std::filesystem::path& path, const Vocabulary& vocabulary);

/// Rows that the file lacked become N(0, 1), as the published protocol has it for word2vec; row 0 stays zero.
void draw_missing(WordVectors& vectors, uint64_t seed);

}  // namespace notnot
