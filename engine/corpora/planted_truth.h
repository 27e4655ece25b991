#pragma once
// What the words of a text of the planted corpus are worth: the label that its rule gives, and the importance of every
// word. Both follow from the options and the words alone, so that nobody has to store them.
#include <span>
#include <string_view>
#include <vector>

#include "engine/corpora/planted_corpus.h"

namespace notnot {

/// The importance of a word is the absolute value of its Shapley value in the game whose players are the words that the
/// rule reads. What a set of players is worth is the mean of the rule's score over what may stand for the others: a
/// word of either class with the same chance, of a pair the two in either order, `not` or a filler word. A word that
/// says nothing has 0. Attention has no sign, and evidence for the other class is to be seen as well as any; hence the
/// absolute value. In each game:
///
///   single       the score is the weights' signed sum: a word is worth its weight, whatever the others are
///   negated      the evidence word alone is worth 1 or -1; with `not` before it neither of the two says anything
///                alone, so that each is worth 1/2. A `not` before filler is worth 0, as the rule does not read it; but
///                as every text has one `not`, a model may learn from it that the evidence has none
///   conjunction  neither of the two says anything alone: 1/2 each
///   order        the same
///   position     the first evidence word alone decides: 1; the others 0
struct PlantedTruth {
  double score = 0;                ///< above 0: the rule says 1; below 0: it says 0; at 0 it cannot tell
  std::vector<double> importance;  ///< [words]
};
/// Any words may be given; on those that make_planted_corpus does not make, the rule may be unable to tell.
PlantedTruth planted_truth(const PlantedOptions& options, std::span<const std::string_view> words);

}  // namespace notnot
