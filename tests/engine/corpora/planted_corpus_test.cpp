// The planted corpus: reproducible, balanced, and its label is what its rule says, whatever the difficulty. Which rules
// a bag of words can follow.
#include "engine/corpora/planted_corpus.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "engine/corpora/planted_words.h"
#include "engine/io/checksum.h"
#include "engine/io/input_error.h"
#include "engine/io/text.h"
#include "tests/support/input_error.h"

using namespace notnot;

namespace {

bool is_evidence(std::string_view word) { return planted_word(kPlantedEvidence, word).has_value(); }

struct Evidence {
  int praise = 0, blame = 0, chatter = 0;
};

Evidence count_evidence(const LabelledText& text) {
  Evidence evidence;
  for (const std::string_view word : split_words(text.words)) {
    evidence.praise += word.starts_with("praise") ? 1 : 0;
    evidence.blame += word.starts_with("blame") ? 1 : 0;
    evidence.chatter += word.starts_with("chatter") ? 1 : 0;
    CHECK(is_evidence(word) == (word.starts_with("praise") || word.starts_with("blame")));
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
    if (is_evidence(entry.first)) {
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

TEST_CASE("planted: a word is known by its group and its number") {
  const auto check = [](const char* name, int32_t label, int32_t number) {
    const auto word = planted_word(kPlantedEvidence, name);
    REQUIRE(word);
    CHECK(word->label == label);
    CHECK(word->number == number);
  };
  check("praise0", 1, 0);
  check("blame19", 0, 19);
  check("praise999999999", 1, 999999999);
  CHECK(planted_word(kPlantedPartner, "agree1")->label == 1);
  CHECK(planted_word(kPlantedCue, "rainy4")->label == 0);
  for (const char* word : {"", "praise", "praise1x", "praise-1", "praise9999999999", "blames1", "word3", "chatter2",
                           "xpraise1", "agree0", "not", "<UNK>"}) {
    INFO(word);
    CHECK_FALSE(planted_word(kPlantedEvidence, word));
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
  refused([](PlantedOptions& o) { o.spurious = 1.01; });
  refused([](PlantedOptions& o) { o.spurious = std::numeric_limits<double>::quiet_NaN(); });
  refused([](PlantedOptions& o) { o.label_noise = 0.51; });
  refused([](PlantedOptions& o) { o.label_noise = -0.01; });
  refused([](PlantedOptions& o) { o.weights = {}; });
  refused([](PlantedOptions& o) { o.weights = {1, 0}; });
  refused([](PlantedOptions& o) { o.weights = {101}; });
  refused([](PlantedOptions& o) { o.weights = std::vector<int32_t>(21, 1); });
}

TEST_CASE("planted: what only single evidence has is refused for the other kinds") {
  for (const EvidenceKind kind : kEvidenceKinds) {
    for (PlantedOptions options : {PlantedOptions{.difficulty = 0.5}, PlantedOptions{.weights = {1, 2}}}) {
      options.evidence = kind;
      options.train = options.dev = options.test = 2;
      if (kind == EvidenceKind::single) {
        CHECK_NOTHROW(make_planted_corpus(options));
      } else {
        CHECK_HAS(input_error([&] { make_planted_corpus(options); }),
                  "--difficulty and --evidence-weights are for --evidence single");
      }
    }
  }
}

TEST_CASE("planted: the default corpus has the bytes that it had before there were other kinds") {
  // SHA-256 of the words and labels that commit 4f2319e wrote with `notnot data planted --tokens`, a text per line.
  CHECK(sha256(all_words(make_planted_corpus({}))) ==
        "9f99b1a23bf21ff27dd654e0ce952d279f4bc3dfe0d74f2d7238fed6f91421fc");
}

TEST_CASE("planted: the kinds of evidence have the names that users give") {
  const std::vector<std::string_view> names = {"single", "negated", "conjunction", "order", "position"};
  REQUIRE(names.size() == std::size(kEvidenceKinds));
  for (size_t i = 0; i < names.size(); ++i) {
    CHECK(to_string(kEvidenceKinds[i]) == names[i]);
    CHECK(evidence_kind(names[i]) == kEvidenceKinds[i]);
  }
  CHECK_FALSE(evidence_kind("irony"));
}

TEST_CASE("planted: a variant is named by what differs from the defaults") {
  CHECK(variant_in_words({}).empty());
  CHECK(variant_in_words({.train = 20}).empty());
  CHECK(variant_in_words({.seed = 2,
                          .min_length = 8,
                          .max_length = 200,
                          .evidence = EvidenceKind::negated,
                          .spurious = 0.5,
                          .label_noise = 0.1}) ==
        "evidence negated, spurious 0.5, label noise 0.1, lengths 8:200, corpus seed 2");
  CHECK(variant_in_words({.difficulty = 1, .weights = {1, 2, 4}}) == "weights 1,2,4, difficulty 1");
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
      if (is_evidence(word)) ++places[i];
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

// --- other kinds of evidence -----------------------------------------------------------------------------------------

namespace {

PlantedOptions of_kind(EvidenceKind kind) {
  PlantedOptions options;
  options.evidence = kind;
  return options;
}

/// The label of a text by its rule, written down again: from the words as strings.
int32_t label_by_rule(EvidenceKind kind, const std::vector<std::string_view>& words) {
  std::vector<std::string_view>
      signs;  // "praise", "blame", "agree", "deny", each with "not" before it if that is there
  std::vector<bool> turned;
  for (size_t i = 0; i < words.size(); ++i) {
    for (const char* group : {"praise", "blame", "agree", "deny"}) {
      if (!words[i].starts_with(group)) continue;
      signs.push_back(group);
      turned.push_back(i > 0 && words[i - 1] == "not");
    }
  }
  REQUIRE_FALSE(signs.empty());
  const bool praise = signs[0] == "praise";
  if (kind == EvidenceKind::negated) {
    REQUIRE(signs.size() == 1);
    return praise != turned[0] ? 1 : 0;
  }
  if (kind == EvidenceKind::conjunction) {
    REQUIRE(signs.size() == 2);
    const auto has = [&](const char* group) { return std::count(signs.begin(), signs.end(), group) == 1; };
    REQUIRE(has("praise") != has("blame"));
    REQUIRE(has("agree") != has("deny"));
    return has("praise") == has("agree") ? 1 : 0;
  }
  REQUIRE(std::count(signs.begin(), signs.end(), "praise") > 0);
  REQUIRE(std::count(signs.begin(), signs.end(), "blame") > 0);
  REQUIRE(signs.size() <= (kind == EvidenceKind::order ? 2 : 4));
  return praise ? 1 : 0;
}

/// The words of a text without their order, without those that say nothing.
std::string bag_of(const std::vector<std::string_view>& words) {
  std::vector<std::string_view> planted;
  for (const std::string_view word : words) {
    if (!word.starts_with("word") && !word.starts_with("chatter")) planted.push_back(word);
  }
  std::sort(planted.begin(), planted.end());
  return join_words(planted);
}

/// Accuracy on the test texts of naive Bayes over the words that a text has, with the counts of the training texts and
/// one added to each.
double naive_bayes_accuracy(const std::vector<LabelledText>& texts) {
  std::map<std::string_view, std::array<double, 2>> with_word;
  double right = 0, tested = 0;
  const auto score = [&](const LabelledText& text) {
    double sum = 0;
    for (const std::string_view word : split_words(text.words)) {
      const auto found = with_word.find(word);
      if (found != with_word.end()) sum += std::log((found->second[1] + 1) / (found->second[0] + 1));
    }
    return sum;
  };
  for (const LabelledText& text : texts) {  // the training texts come first
    if (text.split == SplitName::train) {
      for (const std::string_view word : split_words(text.words)) ++with_word[word][text.label];
    } else if (text.split == SplitName::test) {
      right += (score(text) > 0) == (text.label == 1) ? 1 : 0;
      ++tested;
    }
  }
  return right / tested;
}

}  // namespace

TEST_CASE("planted: every label is what the rule says of the words") {
  for (const EvidenceKind kind :
       {EvidenceKind::negated, EvidenceKind::conjunction, EvidenceKind::order, EvidenceKind::position}) {
    INFO(to_string(kind));
    for (const LabelledText& text : make_planted_corpus(of_kind(kind))) {
      const auto words = split_words(text.words);
      REQUIRE(words.size() >= 8);
      REQUIRE(words.size() <= 30);
      REQUIRE(label_by_rule(kind, words) == text.label);
      REQUIRE(std::count(words.begin(), words.end(), "not") == (kind == EvidenceKind::negated ? 1 : 0));
    }
  }
}

TEST_CASE("planted: for negated, order and position the words without their order tell nothing") {
  for (const EvidenceKind kind : {EvidenceKind::negated, EvidenceKind::order, EvidenceKind::position}) {
    INFO(to_string(kind));
    PlantedOptions options = of_kind(kind);
    options.train = 20000;
    std::map<std::string, std::array<int, 2>> labels;
    for (const LabelledText& text : make_planted_corpus(options)) ++labels[bag_of(split_words(text.words))][text.label];
    double statistic = 0;
    for (const auto& entry : labels) {
      const double n = entry.second[0] + entry.second[1], difference = entry.second[0] - entry.second[1];
      statistic += difference * difference / n;
    }
    // Chi-squared with a degree per bag: mean k, variance 2 k; five standard deviations.
    const auto bags = static_cast<double>(labels.size());
    INFO(bags);
    CHECK(statistic < bags + 5 * std::sqrt(2 * bags));
  }
}

TEST_CASE("planted: naive Bayes follows single evidence, and is at chance for every other kind") {
  // Of 4000 test texts: a standard deviation of 0.0079.
  for (const EvidenceKind kind : kEvidenceKinds) {
    INFO(to_string(kind));
    PlantedOptions options = of_kind(kind);
    options.test = 4000;
    const double accuracy = naive_bayes_accuracy(make_planted_corpus(options));
    if (kind == EvidenceKind::single) {
      CHECK(accuracy > 0.97);
    } else {
      CHECK(std::abs(accuracy - 0.5) < 5 * 0.0079);
    }
  }
}

TEST_CASE("planted: with weights the larger sum is the label, though it may have fewer words") {
  PlantedOptions options{.difficulty = 1, .weights = {1, 2, 4}};
  int fewer_words = 0;
  for (const LabelledText& text : make_planted_corpus(options)) {
    int sum = 0, words = 0;
    for (const std::string_view word : split_words(text.words)) {
      if (!is_evidence(word)) continue;
      const bool praise = word.starts_with("praise");
      constexpr int weights[] = {1, 2, 4};
      const int weight = weights[std::stoi(std::string(word.substr(praise ? 6 : 5))) % 3];
      sum += praise ? weight : -weight;
      words += praise ? 1 : -1;
    }
    REQUIRE(sum != 0);
    REQUIRE((sum > 0) == (text.label == 1));
    fewer_words += words * sum <= 0 ? 1 : 0;
  }
  CHECK(fewer_words > 200);  // of 2800: there a majority of words is wrong, or cannot tell
}

TEST_CASE("planted: label noise turns its share of the labels of each split, and no word") {
  PlantedOptions options{.train = 20000, .dev = 4000, .test = 4000};
  const auto clean = make_planted_corpus(options);
  options.label_noise = 0.1;
  const auto noisy = make_planted_corpus(options);
  CHECK(options.bayes_f1() == doctest::Approx(0.9));
  std::map<std::string_view, std::array<int, 2>> turned;
  int right_positive = 0, rule_positive = 0, positive = 0;
  for (size_t i = 0; i < clean.size(); ++i) {
    REQUIRE(noisy[i].words == clean[i].words);
    ++turned[to_string(clean[i].split)][noisy[i].label == clean[i].label ? 0 : 1];
    right_positive += clean[i].label == 1 && noisy[i].label == 1 ? 1 : 0;
    rule_positive += clean[i].label;
    positive += noisy[i].label;
  }
  for (const auto& [split, counts] : turned) {
    INFO(split);
    const double n = counts[0] + counts[1];
    CHECK(std::abs(counts[1] / n - 0.1) < 5 * std::sqrt(0.1 * 0.9 / n));
  }
  // F1 of the rule's own labels on the noisy ones: 2 TP / (predicted + positive).
  CHECK(2.0 * right_positive / (rule_positive + positive) == doctest::Approx(options.bayes_f1()).epsilon(0.01));
}

TEST_CASE("planted: a spurious cue goes with the label in training only") {
  for (const EvidenceKind kind : {EvidenceKind::single, EvidenceKind::conjunction}) {
    PlantedOptions options = of_kind(kind);
    options.train = options.dev = options.test = 4000;
    options.spurious = 0.3;
    std::map<std::string_view, std::array<int, 2>> agree;
    for (const LabelledText& text : make_planted_corpus(options)) {
      int cues = 0;
      for (const std::string_view word : split_words(text.words)) {
        if (!word.starts_with("sunny") && !word.starts_with("rainy")) continue;
        ++cues;
        ++agree[to_string(text.split)][word.starts_with("sunny") == (text.label == 1) ? 1 : 0];
      }
      REQUIRE(cues <= 1);
    }
    for (const auto& [split, counts] : agree) {
      INFO(split);
      const double n = counts[0] + counts[1];
      CHECK(std::abs(n / 4000 - 0.3) < 5 * std::sqrt(0.3 * 0.7 / 4000));
      if (split == "train") {
        CHECK(counts[0] == 0);
      } else {
        CHECK(std::abs(counts[1] / n - 0.5) < 5 * 0.5 / std::sqrt(n));
      }
    }
  }
}

TEST_CASE("planted: texts have any length from 8 to 200, whatever the evidence") {
  for (const EvidenceKind kind : kEvidenceKinds) {
    INFO(to_string(kind));
    PlantedOptions options = of_kind(kind);
    options.train = 4000;
    options.spurious = 0.5;
    options.max_length = 200;
    std::vector<int> counts(193);
    for (const LabelledText& text : make_planted_corpus(options)) ++counts.at(split_words(text.words).size() - 8);
    CHECK(counts.front() > 0);
    CHECK(counts.back() > 0);
    CHECK(chi_squared(counts) < 260);  // p = 0.001 with 192 degrees of freedom: 258.6
    options.max_length = 8;
    options.train = 200;
    for (const LabelledText& text : make_planted_corpus(options)) REQUIRE(split_words(text.words).size() == 8);
  }
}
