#pragma once
// A synthetic corpus whose right explanation is known: in a text of neutral filler, a few evidence words decide the
// label. It needs no data and no network, and it tells whether an attention points at what decides.
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/data/dataset.h"

namespace notnot {

struct PlantedOptions {
  uint64_t seed = 1;  ///< of the corpus, not of the training: runs with different seeds see the same texts
  /// Texts, at least 2 each; half of each split (rounded down) is positive.
  int32_t train = 2000, dev = 400, test = 400;
  int32_t min_length = 8, max_length = 30;  ///< words per text, uniform; at least 8
  /// From 0 to 1: the share of the texts with 2 or 3 words of evidence for their label that have evidence for the other
  /// class, too, one word less. At 0 any evidence word tells the label; at 1 the words must be counted. At every
  /// difficulty the majority of a text's evidence words is right, so the label can always be recovered.
  double difficulty = 0.25;
  bool operator==(const PlantedOptions&) const = default;
};

/// Every text has 1 to 3 evidence words for its label (40 kinds: `praise0`.. for 1, `blame0`.. for 0), the contrary
/// ones that `difficulty` gives it, 0 to 3 distractors (30 kinds, `chatter0`..: about as frequent as evidence,
/// unrelated to the label) and filler (400 kinds, `word0`..), all in random order. The result depends on the options
/// only; text i of a split does not depend on the sizes of the splits. Rows are numbered through train, dev and test.
/// Throws InputError on options out of range.
std::vector<LabelledText> make_planted_corpus(const PlantedOptions& options);

/// Whether the word is evidence for either class.
bool is_planted_evidence(std::string_view word);

}  // namespace notnot
