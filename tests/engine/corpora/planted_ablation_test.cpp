// Ablated texts of the planted corpus: which words are replaced, by what, and that nothing else changes.
#include "engine/corpora/planted_ablation.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/corpora/planted_truth.h"

using namespace notnot;

namespace {

/// The words of text i.
std::vector<std::string_view> words_of(const Dataset& data, const Split& split, int32_t i) {
  std::vector<std::string_view> words;
  for (int64_t at = split.offsets[i] + 1; at < split.offsets[i + 1] - 1; ++at) {
    words.push_back(data.vocabulary.word(split.token_ids[at]));
  }
  return words;
}

}  // namespace

TEST_CASE("ablation: the evidence becomes filler, or as many other words do, and all else stays") {
  for (const EvidenceKind kind : kEvidenceKinds) {
    INFO(to_string(kind));
    PlantedOptions options{.train = 400, .dev = 2, .test = 200};
    options.evidence = kind;
    const Dataset data = make_dataset("planted", make_planted_corpus(options), {});
    const Split& whole = data.split(SplitName::test);
    const Split without = ablate(options, data.vocabulary, whole, Ablated::evidence),
                others = ablate(options, data.vocabulary, whole, Ablated::others);
    int changed = 0;
    for (const Split* split : {&without, &others}) {
      CHECK(split->offsets == whole.offsets);
      CHECK(split->labels == whole.labels);
      CHECK(split->rows == whole.rows);
      REQUIRE(split->token_ids.size() == whole.token_ids.size());
    }
    for (int32_t i = 0; i < whole.size(); ++i) {
      const auto words = words_of(data, whole, i), no_evidence = words_of(data, without, i),
                 no_others = words_of(data, others, i);
      const std::vector<double> importance = planted_truth(options, words).importance;
      int evidence = 0, replaced = 0;
      for (size_t k = 0; k < words.size(); ++k) {
        if (importance[k] > 0) {
          ++evidence;
          REQUIRE(no_evidence[k].starts_with("word"));
          REQUIRE(no_others[k] == words[k]);
        } else {
          REQUIRE(no_evidence[k] == words[k]);
          if (no_others[k] == words[k]) continue;
          ++replaced;
          REQUIRE(no_others[k].starts_with("word"));
        }
      }
      REQUIRE(replaced <= evidence);  // a filler word may be replaced by itself
      changed += evidence - replaced;
      if (kind != EvidenceKind::position) CHECK(planted_truth(options, no_evidence).score == 0);
    }
    CHECK(changed < 0.05 * whole.size());
  }
}

TEST_CASE("ablation: all other words where a text has fewer than evidence") {
  const PlantedOptions options;
  const Vocabulary vocabulary({"praise0", "praise1", "chatter0", "word0"});
  Split split;
  split.token_ids = vocabulary.encode("praise0 chatter0 praise1");
  split.offsets = {0, 5};
  split.labels = {1};
  split.rows = {7};
  const Split others = ablate(options, vocabulary, split, Ablated::others);
  CHECK(others.token_ids[1] == vocabulary.id("praise0"));
  CHECK(others.token_ids[2] != vocabulary.id("chatter0"));
  CHECK(others.token_ids[3] == vocabulary.id("praise1"));
  const Split evidence = ablate(options, vocabulary, split, Ablated::evidence);
  CHECK(evidence.token_ids[0] == kStartId);
  CHECK(evidence.token_ids[2] == vocabulary.id("chatter0"));
  CHECK(evidence.token_ids[4] == kEndId);
}
