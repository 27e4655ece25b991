#include "engine/corpora/planted_corpus.h"

#include <array>
#include <string>
#include <utility>

#include "engine/io/input_error.h"
#include "engine/io/text.h"
#include "engine/math/random.h"

namespace notnot {
namespace {

constexpr std::array<std::string_view, 2> kEvidencePrefix = {"blame", "praise"};  // by label
constexpr int32_t kEvidenceKinds = 20;                                            // of each class
constexpr int32_t kDistractorKinds = 30;
constexpr int32_t kFillerKinds = 400;
constexpr int32_t kMaxEvidence = 3;
constexpr int32_t kMaxDistractors = 3;
constexpr int32_t kShortestText = kMaxEvidence + (kMaxEvidence - 1) + kMaxDistractors;

/// The random numbers of one text, in the order in which they are asked for.
class Draws {
 public:
  Draws(uint64_t seed, SplitName split, int32_t text)
      : random_(seed, Purpose::planted_corpus, static_cast<uint32_t>(split) << 30 | static_cast<uint32_t>(text)) {}

  int64_t integer(int64_t low, int64_t high) { return random_.integer(next_++, low, high); }
  bool chance(double probability) { return random_.uniform(next_++, 0.0F, 1.0F) < probability; }
  std::string word(std::string_view prefix, int32_t kinds) {
    return fmt::format("{}{}", prefix, integer(0, kinds - 1));
  }

 private:
  Random random_;
  uint64_t next_ = 0;
};

std::string make_text(const PlantedOptions& options, int32_t label, Draws draws) {
  const size_t length = draws.integer(options.min_length, options.max_length);
  const int64_t support = draws.integer(1, kMaxEvidence);
  const int64_t contrary = draws.chance(options.difficulty) ? support - 1 : 0;
  const int64_t distractors = draws.integer(0, kMaxDistractors);
  const size_t own = label;
  std::vector<std::string> words;
  for (int64_t i = 0; i < support; ++i) words.push_back(draws.word(kEvidencePrefix[own], kEvidenceKinds));
  for (int64_t i = 0; i < contrary; ++i) words.push_back(draws.word(kEvidencePrefix[1 - own], kEvidenceKinds));
  for (int64_t i = 0; i < distractors; ++i) words.push_back(draws.word("chatter", kDistractorKinds));
  while (words.size() < length) words.push_back(draws.word("word", kFillerKinds));
  for (size_t i = words.size() - 1; i > 0; --i) {
    std::swap(words[i], words[draws.integer(0, i)]);
  }
  return join_words({words.begin(), words.end()});
}

void check(const PlantedOptions& options, int32_t size, SplitName split) {
  // 2^30: the number of a text and of its split share 32 bits.
  if (size < 2 || size > 1 << 30) {
    throw InputError(
        fmt::format("planted corpus: {} texts in the {} split; it needs 2 to 2^30", size, to_string(split)));
  }
  if (options.min_length < kShortestText || options.max_length < options.min_length) {
    throw InputError(
        fmt::format("planted corpus: texts of {} to {} words; give at least {}, and the smaller number first",
                    options.min_length, options.max_length, kShortestText));
  }
  if (!(options.difficulty >= 0.0 && options.difficulty <= 1.0)) {
    throw InputError(fmt::format("planted corpus: difficulty {}; it must lie between 0 and 1", options.difficulty));
  }
}

}  // namespace

std::vector<LabelledText> make_planted_corpus(const PlantedOptions& options) {
  const BySplit<int32_t> sizes = {options.train, options.dev, options.test};
  std::vector<LabelledText> texts;
  for (const SplitName split : kSplitNames) {
    const int32_t size = sizes[split];
    check(options, size, split);
    for (int32_t i = 0; i < size; ++i) {
      const int32_t label = i % 2;
      const int64_t row = texts.size() + 1;
      texts.push_back({make_text(options, label, Draws(options.seed, split, i)), label, split, row});
    }
  }
  return texts;
}

bool is_planted_evidence(std::string_view word) {
  for (const std::string_view prefix : kEvidencePrefix) {
    if (!word.starts_with(prefix)) continue;
    const std::string_view number = word.substr(prefix.size());
    return !number.empty() && number.find_first_not_of("0123456789") == std::string_view::npos;
  }
  return false;
}

}  // namespace notnot
