#pragma once
// Texts of the planted corpus with some of their words replaced: what changes in a model's predictions tells which
// words it uses, wherever its attention points.
#include "engine/corpora/planted_corpus.h"
#include "engine/data/dataset.h"

namespace notnot {

enum class Ablated : uint8_t {
  evidence,  ///< the words that have importance (planted_truth.h)
  others     ///< as many of a text's other words, or all where it has fewer, chosen by chance
};

/// A copy of `split`, a split of the corpus with these options, whose ablated words are filler words, chosen by chance.
/// Every text keeps its length, label and row. A word that the vocabulary lacks has no importance, as models cannot
/// know it. The result depends on the options and, text by text, on the row and the words.
Split ablate(const PlantedOptions& options, const Vocabulary& vocabulary, const Split& split, Ablated what);

}  // namespace notnot
