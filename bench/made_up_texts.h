#pragma once
// Texts without meaning, as long as real ones: a computation on them costs as much as on real texts.
#include "engine/data/dataset.h"

namespace notnot::bench {

struct TextShape {
  double mean = 0;         ///< words of a text
  double spread = 0;       ///< standard deviation of the logarithm of a text's length; 0: all have the same length
  int32_t longest = 0;     ///< words at most
  int32_t vocabulary = 0;  ///< V, more than the reserved ids
};

/// As in real texts, lengths are log-normal about the mean and words follow Zipf's law. Every other label is 1. Equal
/// arguments give equal texts.
Split make_texts(const TextShape& shape, int32_t texts);

}  // namespace notnot::bench
