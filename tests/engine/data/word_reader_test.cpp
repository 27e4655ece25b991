// Texts come back from their ids word for word, in any order.
#include "engine/data/word_reader.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "engine/corpora/planted_corpus.h"
#include "engine/io/text.h"
#include "kernels/base/error.h"

using namespace notnot;

namespace {

using Places = std::vector<int64_t>;

std::string joined(const WordReader& reader, size_t i) { return join_words(reader.words(i)); }

}  // namespace

TEST_CASE("word reader: words inside and outside the vocabulary, and their places") {
  const Dataset dataset = make_dataset("own",
                                       {{"a good film", 1, SplitName::train, 1},
                                        {"a bad film", 0, SplitName::train, 2},
                                        {"film", 0, SplitName::dev, 3},
                                        {"rare a rare caf\xC3\xA9", 1, SplitName::test, 4},
                                        {"a good film", 1, SplitName::test, 5},
                                        {"<EOS> a <UNK>", 0, SplitName::test, 6}},
                                       {});
  const WordReader test(dataset.vocabulary, dataset.split(SplitName::test));
  CHECK(joined(test, 2) == "<EOS> a <UNK>");
  CHECK(joined(test, 0) == "rare a rare caf\xC3\xA9");
  CHECK(joined(test, 1) == "a good film");
  CHECK(test.words(0, 3) == std::vector<std::string_view>{"rare", "a", "rare"});
  CHECK(test.words(0, 0).empty());
  CHECK(test.unknown(0) == Places{0, 2, 3});
  CHECK(test.unknown(1).empty());
  CHECK(test.unknown(2) == Places{0, 2});
}

TEST_CASE("word reader: every text of a corpus, where many words are outside the vocabulary") {
  const std::vector<LabelledText> texts = make_planted_corpus({.train = 200, .dev = 50, .test = 100});
  const Dataset dataset = make_dataset("planted", texts, {.min_df = 12});
  size_t at = 0, outside = 0;
  for (const SplitName name : kSplitNames) {
    const Split& split = dataset.split(name);
    const WordReader reader(dataset.vocabulary, split);
    for (int32_t i = 0; i < split.size(); ++i, ++at) {
      REQUIRE(joined(reader, i) == texts[at].words);
      const std::vector<std::string_view> words = split_words(texts[at].words);
      Places expected;
      for (size_t k = 0; k < words.size(); ++k) {
        if (dataset.vocabulary.id(words[k]) == kUnknownId) expected.push_back(static_cast<int64_t>(k));
      }
      REQUIRE(reader.unknown(i) == expected);
      outside += expected.size();
    }
  }
  CHECK(at == texts.size());
  CHECK(outside > 1000);
}

TEST_CASE("word reader: a split without the spelling of an unknown word is a fault of the program") {
  Dataset dataset = make_dataset("own",
                                 {{"a", 1, SplitName::train, 1},
                                  {"b", 0, SplitName::train, 2},
                                  {"a", 0, SplitName::dev, 3},
                                  {"c", 1, SplitName::test, 4},
                                  {"a", 0, SplitName::test, 5}},
                                 {});
  dataset.splits.test.unknown = {};
  CHECK_THROWS_AS(WordReader(dataset.vocabulary, dataset.splits.test), Error);
}
