#include "engine/corpora/planted_truth.h"

#include <optional>

#include "engine/corpora/planted_words.h"

namespace notnot {
namespace {

using Words = std::span<const std::string_view>;

double sign_of(const PlantedWord& word) { return word.label == 1 ? 1 : -1; }

/// The place of the first word of the groups behind `from`; the number of words if there is none.
size_t find(const PlantedGroups& groups, Words words, size_t from = 0) {
  while (from < words.size() && !planted_word(groups, words[from])) ++from;
  return from;
}

PlantedTruth nothing(Words words) { return {.score = 0, .importance = std::vector<double>(words.size(), 0)}; }

/// Two words of which neither says anything alone.
PlantedTruth pair_truth(Words words, size_t a, size_t b, double score) {
  PlantedTruth truth = nothing(words);
  truth.score = score;
  truth.importance[a] = truth.importance[b] = 0.5;
  return truth;
}

PlantedTruth single_truth(const std::vector<int32_t>& weights, Words words) {
  PlantedTruth truth = nothing(words);
  for (size_t i = find(kPlantedEvidence, words); i < words.size(); i = find(kPlantedEvidence, words, i + 1)) {
    const PlantedWord word = *planted_word(kPlantedEvidence, words[i]);
    truth.importance[i] = weights[word.number % weights.size()];
    truth.score += sign_of(word) * truth.importance[i];
  }
  return truth;
}

/// The class of the first evidence word alone.
PlantedTruth first_truth(Words words) {
  PlantedTruth truth = nothing(words);
  const size_t first = find(kPlantedEvidence, words);
  if (first == words.size()) return truth;
  truth.score = sign_of(*planted_word(kPlantedEvidence, words[first]));
  truth.importance[first] = 1;
  return truth;
}

PlantedTruth negated_truth(Words words) {
  const PlantedTruth plain = first_truth(words);
  const size_t at = find(kPlantedEvidence, words);
  const bool turned = at > 0 && at < words.size() && words[at - 1] == kPlantedNegator;
  return turned ? pair_truth(words, at - 1, at, -plain.score) : plain;
}

PlantedTruth conjunction_truth(Words words) {
  const size_t a = find(kPlantedEvidence, words), b = find(kPlantedPartner, words);
  if (a == words.size() || b == words.size()) return nothing(words);
  return pair_truth(
      words, a, b,
      sign_of(*planted_word(kPlantedEvidence, words[a])) * sign_of(*planted_word(kPlantedPartner, words[b])));
}

PlantedTruth order_truth(Words words) {
  const size_t a = find(kPlantedEvidence, words), b = find(kPlantedEvidence, words, a + 1);
  if (b >= words.size()) return nothing(words);
  return pair_truth(words, a, b, sign_of(*planted_word(kPlantedEvidence, words[a])));
}

}  // namespace

PlantedTruth planted_truth(const PlantedOptions& options, Words words) {
  switch (options.evidence) {
    case EvidenceKind::single:
      return single_truth(options.weights, words);
    case EvidenceKind::negated:
      return negated_truth(words);
    case EvidenceKind::conjunction:
      return conjunction_truth(words);
    case EvidenceKind::order:
      return order_truth(words);
    case EvidenceKind::position:
      break;
  }
  return first_truth(words);
}

}  // namespace notnot
