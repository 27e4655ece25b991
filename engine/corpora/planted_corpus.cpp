#include "engine/corpora/planted_corpus.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

#include "engine/corpora/planted_words.h"
#include "engine/io/input_error.h"
#include "engine/io/text.h"
#include "engine/math/random.h"

namespace notnot {
namespace {

constexpr int32_t kSingleKinds = 20;  // evidence words of each class
// Of each class and group, for the rules that need context: with 20 an LSTM learns the training texts by heart before
// it finds a conjunction in them (measured: bench/notes.md).
constexpr int32_t kContextKinds = 2;
constexpr int32_t kDistractorKinds = 30;
constexpr int32_t kCueKinds = 5;
constexpr int32_t kMaxEvidence = 3;
constexpr int32_t kMaxContrary = kMaxEvidence - 1;
constexpr int32_t kMaxDistractors = 3;
constexpr int32_t kShortestText = kMaxEvidence + kMaxContrary + kMaxDistractors;
constexpr int32_t kMostWeights = kSingleKinds, kLargestWeight = 100;

/// The random numbers of one text, in the order in which they are asked for.
class Draws {
 public:
  Draws(uint64_t seed, SplitName split, int32_t text)
      : random_(seed, Purpose::planted_corpus, static_cast<uint32_t>(split) << 30 | static_cast<uint32_t>(text)) {}

  int64_t integer(int64_t low, int64_t high) { return random_.integer(next_++, low, high); }
  bool chance(double probability) { return random_.uniform(next_++, 0.0F, 1.0F) < probability; }
  std::string word(std::string_view group, int32_t kinds) { return fmt::format("{}{}", group, integer(0, kinds - 1)); }

 private:
  Random random_;
  uint64_t next_ = 0;
};

/// The words of a text before they are shuffled. A unit is a word, or `not` and the word behind it.
struct Units {
  std::vector<std::string> units;
  int64_t distractors = 0;

  void add(std::string unit) { units.push_back(std::move(unit)); }
  size_t words() const {
    size_t count = 0;
    for (const std::string& unit : units) count += split_words(unit).size();
    return count;
  }
};

/// Adds `count` evidence words of a class; returns the sum of their weights.
int64_t add_evidence(Units& text, const PlantedOptions& options, size_t label, int64_t count, Draws& draws) {
  int64_t weight = 0;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t number = draws.integer(0, kSingleKinds - 1);
    weight += options.weights[number % options.weights.size()];
    text.add(fmt::format("{}{}", kPlantedEvidence[label], number));
  }
  return weight;
}

Units single_units(const PlantedOptions& options, size_t label, Draws& draws) {
  const bool equal = options.weights.size() == 1;
  for (;;) {
    Units text;
    const int64_t support = draws.integer(1, kMaxEvidence);
    const bool contradicted = draws.chance(options.difficulty);
    const int64_t contrary = !contradicted ? 0 : equal ? support - 1 : draws.integer(1, kMaxContrary);
    text.distractors = draws.integer(0, kMaxDistractors);
    const int64_t own = add_evidence(text, options, label, support, draws);
    if (own > add_evidence(text, options, 1 - label, contrary, draws)) return text;  // always, if they weigh the same
  }
}

std::string context_word(const PlantedGroups& groups, size_t label, Draws& draws) {
  return draws.word(groups[label], kContextKinds);
}

std::string filler(Draws& draws) { return draws.word(kPlantedFiller, kPlantedFillers); }

std::string negated(const std::string& word) { return fmt::format("{} {}", kPlantedNegator, word); }

Units negated_units(size_t label, Draws& draws) {
  const bool turned = draws.chance(0.5);
  const std::string evidence = context_word(kPlantedEvidence, turned ? 1 - label : label, draws), other = filler(draws);
  return {turned ? std::vector{negated(evidence), other} : std::vector{evidence, negated(other)}};
}

Units conjunction_units(size_t label, Draws& draws) {
  const size_t first = draws.integer(0, 1), second = label == 1 ? first : 1 - first;
  Units text;
  text.add(context_word(kPlantedEvidence, first, draws));
  text.add(context_word(kPlantedPartner, second, draws));
  return text;
}

/// 1 to `most` evidence words of each class.
Units both_classes(int64_t most, Draws& draws) {
  Units text;
  for (const size_t of_class : {0, 1}) {
    for (int64_t count = draws.integer(1, most); count > 0; --count) {
      text.add(context_word(kPlantedEvidence, of_class, draws));
    }
  }
  return text;
}

/// The words that the rule needs, and the number of distractors.
Units planted_units(const PlantedOptions& options, size_t label, Draws& draws) {
  if (options.evidence == EvidenceKind::single) return single_units(options, label, draws);
  const int64_t distractors = draws.integer(0, kMaxDistractors);
  Units text = options.evidence == EvidenceKind::negated       ? negated_units(label, draws)
               : options.evidence == EvidenceKind::conjunction ? conjunction_units(label, draws)
               : options.evidence == EvidenceKind::order       ? both_classes(1, draws)
                                                               : both_classes(2, draws);
  text.distractors = distractors;
  return text;
}

void add_cue(Units& text, SplitName split, size_t label, Draws& draws) {
  const size_t of_class = split == SplitName::train ? label : draws.integer(0, 1);
  text.add(draws.word(kPlantedCue[of_class], kCueKinds));
  text.distractors = std::min<int64_t>(text.distractors, kMaxDistractors - 1);
}

/// Exchanges the first evidence word and the first one of this class.
void put_first(std::vector<std::string>& units, int32_t label) {
  const auto first = std::find_if(units.begin(), units.end(),
                                  [](const auto& unit) { return planted_word(kPlantedEvidence, unit).has_value(); });
  const auto own = std::find_if(first, units.end(), [label](const auto& unit) {
    const auto word = planted_word(kPlantedEvidence, unit);
    return word && word->label == label;
  });
  std::iter_swap(first, own);
}

std::string make_words(const PlantedOptions& options, SplitName split, int32_t label, Draws& draws) {
  const size_t length = draws.integer(options.min_length, options.max_length);
  Units text = planted_units(options, label, draws);
  if (options.spurious > 0 && draws.chance(options.spurious)) add_cue(text, split, label, draws);
  for (int64_t i = 0; i < text.distractors; ++i) text.add(draws.word(kPlantedDistractor, kDistractorKinds));
  for (size_t words = text.words(); words < length; ++words) text.add(filler(draws));
  std::vector<std::string>& units = text.units;
  for (size_t i = units.size() - 1; i > 0; --i) std::swap(units[i], units[draws.integer(0, i)]);
  if (options.evidence == EvidenceKind::order || options.evidence == EvidenceKind::position) put_first(units, label);
  return join_words({units.begin(), units.end()});
}

void check_share(const char* name, double share, double most) {
  if (share >= 0 && share <= most) return;
  throw InputError(fmt::format("planted corpus: {} {}; it must lie between 0 and {:g}", name, share, most));
}

void check_weights(const std::vector<int32_t>& weights) {
  const bool in_range =
      std::all_of(weights.begin(), weights.end(), [](int32_t w) { return w >= 1 && w <= kLargestWeight; });
  if (in_range && !weights.empty() && weights.size() <= kMostWeights) return;
  throw InputError(fmt::format("planted corpus: evidence weights {}; give 1 to {} whole numbers from 1 to {}",
                               fmt::join(weights, ","), kMostWeights, kLargestWeight));
}

}  // namespace

std::string_view to_string(EvidenceKind kind) {
  switch (kind) {
    case EvidenceKind::single:
      return "single";
    case EvidenceKind::negated:
      return "negated";
    case EvidenceKind::conjunction:
      return "conjunction";
    case EvidenceKind::order:
      return "order";
    case EvidenceKind::position:
      break;
  }
  return "position";
}

std::optional<EvidenceKind> evidence_kind(std::string_view name) {
  for (const EvidenceKind kind : kEvidenceKinds) {
    if (name == to_string(kind)) return kind;
  }
  return std::nullopt;
}

void check_planted_options(const PlantedOptions& options) {
  // 2^30: the number of a text and of its split share 32 bits.
  const BySplit<int32_t> sizes = {options.train, options.dev, options.test};
  for (const SplitName split : kSplitNames) {
    if (sizes[split] >= 2 && sizes[split] <= 1 << 30) continue;
    throw InputError(
        fmt::format("planted corpus: {} texts in the {} split; it needs 2 to 2^30", sizes[split], to_string(split)));
  }
  if (options.min_length < kShortestText || options.max_length < options.min_length) {
    throw InputError(
        fmt::format("planted corpus: texts of {} to {} words; give at least {}, and the smaller number first",
                    options.min_length, options.max_length, kShortestText));
  }
  check_share("difficulty", options.difficulty, 1);
  check_share("spurious", options.spurious, 1);
  check_share("label noise", options.label_noise, 0.5);
  check_weights(options.weights);
  const bool counted = options.difficulty != PlantedOptions{}.difficulty || options.weights != PlantedOptions{}.weights;
  if (options.evidence == EvidenceKind::single || !counted) return;
  throw InputError(
      fmt::format("planted corpus: --difficulty and --evidence-weights are for --evidence single; with {} no evidence "
                  "is counted or weighed: leave them out",
                  to_string(options.evidence)));
}

std::string variant_in_words(const PlantedOptions& options) {
  const PlantedOptions plain;
  std::vector<std::string> parts;
  if (options.evidence != plain.evidence) parts.push_back(fmt::format("evidence {}", to_string(options.evidence)));
  if (options.weights != plain.weights) parts.push_back(fmt::format("weights {}", fmt::join(options.weights, ",")));
  if (options.difficulty != plain.difficulty) parts.push_back(fmt::format("difficulty {:g}", options.difficulty));
  if (options.spurious > 0) parts.push_back(fmt::format("spurious {:g}", options.spurious));
  if (options.label_noise > 0) parts.push_back(fmt::format("label noise {:g}", options.label_noise));
  if (options.min_length != plain.min_length || options.max_length != plain.max_length) {
    parts.push_back(fmt::format("lengths {}:{}", options.min_length, options.max_length));
  }
  if (options.seed != plain.seed) parts.push_back(fmt::format("corpus seed {}", options.seed));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::vector<LabelledText> make_planted_corpus(const PlantedOptions& options) {
  check_planted_options(options);
  const BySplit<int32_t> sizes = {options.train, options.dev, options.test};
  std::vector<LabelledText> texts;
  for (const SplitName split : kSplitNames) {
    for (int32_t i = 0; i < sizes[split]; ++i) {
      const int32_t label = i % 2;
      const int64_t row = texts.size() + 1;
      Draws draws(options.seed, split, i);
      std::string words = make_words(options, split, label, draws);
      const bool turned = options.label_noise > 0 && draws.chance(options.label_noise);
      texts.push_back({std::move(words), turned ? 1 - label : label, split, row});
    }
  }
  return texts;
}

}  // namespace notnot
