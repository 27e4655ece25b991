#pragma once
// From ids back to the words of a text as they stand in the source (cleaned), also those that the vocabulary lacks:
// what is shown to people and handed to other programs is the text, not what the model sees of it.
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "engine/data/dataset.h"

namespace notnot {

class WordReader {
 public:
  /// The texts of `split`, whose ids are those of `vocabulary`; both must outlive the reader. Reads all ids once.
  /// Throws Error unless Split::unknown has a number for every unknown word.
  WordReader(const Vocabulary& vocabulary, const Split& split);

  /// The words of text i, at most the first `most`, without the boundary tokens.
  std::vector<std::string_view> words(size_t i, size_t most = std::numeric_limits<size_t>::max()) const;
  /// Which words of text i the vocabulary lacks, counted from 0, in ascending order.
  std::vector<int64_t> unknown(size_t i) const;

 private:
  const Vocabulary& vocabulary_;
  const Split& split_;
  std::vector<int64_t> unknown_before_;  ///< [size] unknown words before text i
};

}  // namespace notnot
