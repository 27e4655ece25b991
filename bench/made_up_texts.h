#pragma once
// Texts without meaning in the sizes of real ones: what is computed on them costs what it costs on those.
#include "engine/data/dataset.h"

namespace notnot::bench {

struct TextShape {
  double mean = 0;         ///< words of a text
  double spread = 0;       ///< standard deviation of the logarithm of a text's words; 0: all texts are alike
  int32_t longest = 0;     ///< words at most
  int32_t vocabulary = 0;  ///< V, more than the reserved ids
};

/// Lengths log-normal about the mean, words by Zipf's law, as in real texts; every other label is 1. The same arguments
/// give the same texts.
Split make_texts(const TextShape& shape, int32_t texts);

}  // namespace notnot::bench
