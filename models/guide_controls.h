#pragma once
// Other weights for the words of a text than its guide has. What a guided MLP says with them tells how it uses its
// guide: a guide may point at the words that decide, or tell the class in a code that only a trained reader knows.
#include <cstdint>
#include <vector>

#include "engine/data/dataset.h"

namespace notnot {

/// [tokens] The log weights of every text, dealt out anew among its words. What is drawn for a text depends on the seed
/// and its words, not on its place in the split. `log_attention` [tokens]: as in TextTargets.
std::vector<float> permuted_within_texts(const std::vector<float>& log_attention, const Split& split, uint64_t seed);

/// [tokens] The same log weight for every word of a text; -infinity at boundary tokens.
std::vector<float> equal_within_texts(const Split& split);

}  // namespace notnot
