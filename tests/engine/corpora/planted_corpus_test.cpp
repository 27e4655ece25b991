// The planted corpus: reproducible, balanced, and its label is the majority of its evidence words, whatever the
// difficulty.
#include "engine/corpora/planted_corpus.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "engine/io/input_error.h"
#include "engine/io/text.h"

using namespace notnot;

namespace {

struct Evidence {
  int praise = 0, blame = 0, chatter = 0;
};

Evidence count_evidence(const LabelledText& text) {
  Evidence evidence;
  for (const std::string_view word : split_words(text.words)) {
    evidence.praise += word.starts_with("praise") ? 1 : 0;
    evidence.blame += word.starts_with("blame") ? 1 : 0;
    evidence.chatter += word.starts_with("chatter") ? 1 : 0;
    CHECK(is_planted_evidence(word) == (word.starts_with("praise") || word.starts_with("blame")));
  }
  return evidence;
}

std::string all_words(const std::vector<LabelledText>& texts) {
  std::string words;
  for (const LabelledText& text : texts) words += fmt::format("{} {}\n", text.words, text.label);
  return words;
}

}  // namespace

TEST_CASE("planted: the defaults") {
  const auto texts = make_planted_corpus({});
  REQUIRE(texts.size() == 2800);
  std::map<std::string_view, int> positives;
  for (size_t i = 0; i < texts.size(); ++i) {
    CHECK(texts[i].row == static_cast<int64_t>(i) + 1);
    positives[to_string(texts[i].split)] += texts[i].label;
    const size_t length = split_words(texts[i].words).size();
    CHECK(length >= 8);
    CHECK(length <= 30);
  }
  CHECK(positives == std::map<std::string_view, int>{{"train", 1000}, {"dev", 200}, {"test", 200}});
  const auto vocabulary = Vocabulary::build(texts, 1);
  CHECK(vocabulary.size() == kFirstWordId + 20 + 20 + 30 + 400);
}

TEST_CASE("planted: the majority of the evidence is the label at every difficulty") {
  for (const double difficulty : {0.0, 0.25, 1.0}) {
    INFO(difficulty);
    PlantedOptions options;
    options.difficulty = difficulty;
    const auto texts = make_planted_corpus(options);
    int with_contrary = 0;
    int with_several = 0;
    for (const LabelledText& text : texts) {
      const Evidence evidence = count_evidence(text);
      const int own = text.label == 1 ? evidence.praise : evidence.blame;
      const int contrary = text.label == 1 ? evidence.blame : evidence.praise;
      CHECK(own > contrary);
      CHECK(own <= 3);
      CHECK(evidence.chatter <= 3);
      CHECK((contrary == 0 || contrary == own - 1));
      with_contrary += contrary > 0 ? 1 : 0;
      with_several += own > 1 ? 1 : 0;
    }
    // A share of a binomial count: five standard deviations.
    const double deviation = std::sqrt(difficulty * (1 - difficulty) / with_several);
    CHECK(std::abs(static_cast<double>(with_contrary) / with_several - difficulty) <= 5 * deviation);
  }
}

TEST_CASE("planted: neither distractors nor filler tell the label") {
  PlantedOptions options;
  options.train = 20000;
  struct Count {
    int all = 0, positive = 0;
  };
  std::map<std::string, Count> counts;
  for (const LabelledText& text : make_planted_corpus(options)) {
    for (const std::string_view word : split_words(text.words)) {
      Count& count = counts[std::string(word)];
      ++count.all;
      count.positive += text.label;
    }
  }
  for (const auto& entry : counts) {
    const Count& count = entry.second;
    INFO(entry.first);
    const double share = static_cast<double>(count.positive) / count.all;
    const double deviation = 0.5 / std::sqrt(count.all);
    if (is_planted_evidence(entry.first)) {
      CHECK(std::abs(share - 0.5) > 10 * deviation);
    } else {
      CHECK(std::abs(share - 0.5) < 5 * deviation);
    }
  }
}

TEST_CASE("planted: the same options give the same texts, another seed others") {
  PlantedOptions options;
  const std::string texts = all_words(make_planted_corpus(options));
  CHECK(all_words(make_planted_corpus(options)) == texts);
  options.seed = 2;
  CHECK(all_words(make_planted_corpus(options)) != texts);
}

TEST_CASE("planted: a text does not depend on how many there are") {
  PlantedOptions options;
  const auto texts = make_planted_corpus(options);
  options.train = 10;
  const auto fewer = make_planted_corpus(options);
  REQUIRE(fewer.size() == 810);
  for (size_t i = 0; i < 10; ++i) CHECK(fewer[i].words == texts[i].words);
  CHECK(fewer[10].words == texts[2000].words);
  CHECK(fewer[810 - 1].words == texts[2800 - 1].words);
  CHECK(texts[0].words != texts[2000].words);
}

TEST_CASE("planted: evidence is known by its name") {
  for (const char* word : {"praise0", "blame19"}) CHECK(is_planted_evidence(word));
  for (const char* word : {"", "praise", "praise1x", "blames1", "word3", "chatter2", "xpraise1", "<UNK>"}) {
    INFO(word);
    CHECK_FALSE(is_planted_evidence(word));
  }
}

TEST_CASE("planted: options out of range are refused") {
  const auto refused = [](auto change) {
    PlantedOptions options;
    change(options);
    CHECK_THROWS_AS(make_planted_corpus(options), InputError);
  };
  refused([](PlantedOptions& o) { o.train = 1; });
  refused([](PlantedOptions& o) { o.test = -1; });
  refused([](PlantedOptions& o) { o.min_length = 7; });
  refused([](PlantedOptions& o) { o.max_length = 7; });
  refused([](PlantedOptions& o) { o.difficulty = 1.01; });
  refused([](PlantedOptions& o) { o.difficulty = -0.01; });
  refused([](PlantedOptions& o) { o.difficulty = std::numeric_limits<double>::quiet_NaN(); });
}

namespace {

/// The chi-squared statistic of counts that should be equal.
double chi_squared(const std::vector<int>& counts) {
  double total = 0, sum = 0;
  for (const int count : counts) total += count;
  const double expected = total / static_cast<double>(counts.size());
  for (const int count : counts) sum += (count - expected) * (count - expected) / expected;
  return sum;
}

}  // namespace

TEST_CASE("planted: lengths, amounts of evidence and distractors are uniform over their whole ranges") {
  // The bounds are chi-squared at p = 0.001.
  const auto texts = make_planted_corpus({.train = 20000, .difficulty = 0});
  std::vector<int> lengths(23), evidence(3), distractors(4);
  for (size_t i = 0; i < 20000; ++i) {
    const size_t length = split_words(texts[i].words).size();
    REQUIRE((length >= 8 && length <= 30));
    ++lengths[length - 8];
    const Evidence of = count_evidence(texts[i]);
    const int own = texts[i].label == 1 ? of.praise : of.blame;
    REQUIRE((own >= 1 && own <= 3));
    ++evidence[own - 1];
    ++distractors[of.chatter];
  }
  CHECK(chi_squared(lengths) < 48.3);      // 22 degrees of freedom
  CHECK(chi_squared(evidence) < 13.8);     // 2
  CHECK(chi_squared(distractors) < 16.3);  // 3
}

TEST_CASE("planted: every kind of a word is equally frequent, and evidence stands at any place") {
  constexpr size_t kLength = 10;
  const auto texts =
      make_planted_corpus({.train = 20000, .min_length = kLength, .max_length = kLength, .difficulty = 0.5});
  std::vector<int> places(kLength), praise(20), blame(20), chatter(30), filler(400);
  for (const LabelledText& text : texts) {
    const auto words = split_words(text.words);
    REQUIRE(words.size() == kLength);
    for (size_t i = 0; i < kLength; ++i) {
      const std::string word(words[i]);
      if (is_planted_evidence(word)) ++places[i];
      const int number = std::stoi(word.substr(word.find_first_of("0123456789")));
      ++(word.starts_with("praise")    ? praise
         : word.starts_with("blame")   ? blame
         : word.starts_with("chatter") ? chatter
                                       : filler)
            .at(number);
    }
  }
  CHECK(chi_squared(places) < 27.9);   // 9 degrees of freedom
  CHECK(chi_squared(praise) < 43.9);   // 19
  CHECK(chi_squared(blame) < 43.9);    // 19
  CHECK(chi_squared(chatter) < 58.4);  // 29
  CHECK(chi_squared(filler) < 492);    // 399
}

TEST_CASE("planted: the first texts of each split are those of a second implementation") {
  // In Python, with the numbers of random.h: key = seed, counter = (block, 5, split * 2^30 + text).
  const auto texts =
      make_planted_corpus({.seed = 1, .train = 2, .dev = 2, .test = 2, .min_length = 8, .max_length = 9});
  const std::vector<std::string> expected = {
      "word73 word302 word98 blame12 chatter15 blame12 blame7 word220 word325",
      "word189 word0 word155 praise10 praise14 word244 praise1 word150 word48",
      "blame0 word121 word236 chatter16 blame15 blame12 chatter28 word308",
      "word324 chatter5 word36 chatter3 word218 blame13 praise1 praise4",
      "blame9 word256 chatter21 word340 word91 word32 word212 chatter1",
      "word48 word294 praise13 word42 chatter13 word205 chatter7 word360 chatter2",
  };
  REQUIRE(texts.size() == expected.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    CHECK(texts[i].words == expected[i]);
    CHECK(texts[i].label == static_cast<int32_t>(i % 2));
  }
}
