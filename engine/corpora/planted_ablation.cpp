#include "engine/corpora/planted_ablation.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/corpora/planted_truth.h"
#include "engine/corpora/planted_words.h"
#include "engine/math/random.h"

namespace notnot {
namespace {

/// The places of the words that are replaced. The order in which the others are taken is drawn at index 2 i for word i,
/// the filler in its place at 2 i + 1.
std::vector<size_t> ablated_places(const std::vector<double>& importance, Ablated what, const Random& random) {
  std::vector<size_t> evidence, others;
  for (size_t i = 0; i < importance.size(); ++i) (importance[i] > 0 ? evidence : others).push_back(i);
  if (what == Ablated::evidence) return evidence;
  std::sort(others.begin(), others.end(),
            [&](size_t a, size_t b) { return std::pair(random.bits(2 * a), a) < std::pair(random.bits(2 * b), b); });
  others.resize(std::min(others.size(), evidence.size()));
  return others;
}

}  // namespace

Split ablate(const PlantedOptions& options, const Vocabulary& vocabulary, const Split& split, Ablated what) {
  std::vector<int32_t> ids = split.token_ids;
  for (int32_t text = 0; text < split.size(); ++text) {
    const int64_t first = split.offsets[text] + 1;
    std::vector<std::string_view> words;
    for (int64_t at = first; at < split.offsets[text + 1] - 1; ++at) words.push_back(vocabulary.word(ids[at]));
    const Random random(options.seed, Purpose::ablation, static_cast<uint32_t>(split.rows[text]));
    for (const size_t i : ablated_places(planted_truth(options, words).importance, what, random)) {
      const int64_t filler = random.integer(2 * i + 1, 0, kPlantedFillers - 1);
      ids[first + i] = vocabulary.id(fmt::format("{}{}", kPlantedFiller, filler));
    }
  }
  Split result;
  result.token_ids = std::move(ids);
  result.offsets = split.offsets;
  result.labels = split.labels;
  result.rows = split.rows;
  return result;
}

}  // namespace notnot
