// The importance of words in the planted corpus, against Shapley values by their definition: over all subsets of the
// words that the rule reads, and over all that may stand for the others.
#include "engine/corpora/planted_truth.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "engine/io/text.h"

using namespace notnot;

namespace {

using Words = std::vector<std::string_view>;

bool starts(std::string_view word, const char* group) { return word.starts_with(group); }
bool is_evidence(std::string_view word) { return starts(word, "praise") || starts(word, "blame"); }
double sign(std::string_view word) { return starts(word, "praise") || starts(word, "agree") ? 1 : -1; }

/// The score of a text by the rule, from its words alone.
double score_of(const PlantedOptions& options, const Words& words) {
  double sum = 0, evidence = 0, partner = 0;
  bool first = true;
  for (size_t i = 0; i < words.size(); ++i) {
    if (starts(words[i], "agree") || starts(words[i], "deny")) partner = sign(words[i]);
    if (!is_evidence(words[i])) continue;
    const int number = std::stoi(std::string(words[i].substr(words[i].find_first_of("0123456789"))));
    sum += sign(words[i]) * options.weights[number % options.weights.size()];
    if (first) evidence = i > 0 && words[i - 1] == "not" ? -sign(words[i]) : sign(words[i]);
    first = false;
  }
  if (options.evidence == EvidenceKind::single) return sum;
  return options.evidence == EvidenceKind::conjunction ? evidence * partner : evidence;
}

std::string_view counterpart(std::string_view word) {
  // The same number, so that the weight stays; the strings live as long as the program.
  static const char* const pairs[][2] = {{"praise0", "blame0"}, {"praise1", "blame1"}, {"praise2", "blame2"},
                                         {"praise3", "blame3"}, {"agree0", "deny0"},   {"agree1", "deny1"},
                                         {"not", "word0"}};
  for (const auto& pair : pairs) {
    if (word == pair[0]) return pair[1];
    if (word == pair[1]) return pair[0];
  }
  FAIL("no counterpart of " << word);
  return word;
}

/// What the players in `known` are worth: the mean score over all that may stand for the other players, each with the
/// same chance.
double worth(const PlantedOptions& options, const Words& words, const std::vector<size_t>& players, size_t known) {
  double sum = 0, count = 0;
  const auto is_known = [&](size_t k) { return (known >> k & 1) == 1; };
  const auto add = [&](const Words& instead) {
    sum += score_of(options, instead);
    ++count;
  };
  if (options.evidence == EvidenceKind::order) {  // one word alone does not tell where the other is: either order
    add(words);
    if (known == (size_t{1} << players.size()) - 1) return sum;
    Words swapped = words;
    std::swap(swapped[players[0]], swapped[players[1]]);
    add(swapped);
    return sum / count;
  }
  for (size_t choice = 0; choice < size_t{1} << players.size(); ++choice) {
    if ((choice & known) != 0) continue;  // a known word stays
    Words instead = words;
    for (size_t k = 0; k < players.size(); ++k) {
      if (!is_known(k) && (choice >> k & 1) == 1) instead[players[k]] = counterpart(words[players[k]]);
    }
    add(instead);
  }
  return sum / count;
}

double factorial(size_t n) { return n < 2 ? 1 : static_cast<double>(n) * factorial(n - 1); }

/// Shapley (1953): the sum over the subsets S without player k of |S|! (n - |S| - 1)! / n! (v(S + k) - v(S)).
double shapley(const PlantedOptions& options, const Words& words, const std::vector<size_t>& players, size_t k) {
  double value = 0;
  const size_t n = players.size();
  for (size_t set = 0; set < size_t{1} << n; ++set) {
    if ((set >> k & 1) == 1) continue;
    const size_t size = __builtin_popcountll(set);
    value += factorial(size) * factorial(n - size - 1) / factorial(n) *
             (worth(options, words, players, set | size_t{1} << k) - worth(options, words, players, set));
  }
  return value;
}

void check_text(const PlantedOptions& options, const std::string& text) {
  INFO(to_string(options.evidence) << ": " << text);
  const Words words = split_words(text);
  std::vector<size_t> players;
  for (size_t i = 0; i < words.size(); ++i) {
    const bool negator = words[i] == "not" && i + 1 < words.size() && is_evidence(words[i + 1]);
    if (is_evidence(words[i]) || starts(words[i], "agree") || starts(words[i], "deny") || negator) players.push_back(i);
  }
  const PlantedTruth truth = planted_truth(options, words);
  REQUIRE(truth.importance.size() == words.size());
  CHECK(truth.score == doctest::Approx(score_of(options, words)));
  for (size_t i = 0; i < words.size(); ++i) {
    const auto at = std::find(players.begin(), players.end(), i);
    const double expected = at == players.end() ? 0 : shapley(options, words, players, at - players.begin());
    CHECK(truth.importance[i] == doctest::Approx(std::abs(expected)));
  }
}

}  // namespace

TEST_CASE("planted truth: importance is the absolute Shapley value, by brute force") {
  const PlantedOptions weighted{.weights = {1, 2, 4}};
  for (const char* text :
       {"word1 praise0 blame1 praise2 chatter0 blame3 praise1", "blame2", "blame0 praise0 word3 word4"})
    check_text(weighted, text);
  check_text({}, "word1 praise0 blame1 praise2 chatter0");
  for (const char* text :
       {"word3 not praise0 word2", "not blame1 word2", "word0 praise1 not word2", "blame0 word7 not"})
    check_text({.evidence = EvidenceKind::negated}, text);
  for (const char* text :
       {"word3 praise0 word2 deny1", "agree0 blame1", "praise1 chatter2 agree1", "deny0 word0 blame0"})
    check_text({.evidence = EvidenceKind::conjunction}, text);
  for (const char* text : {"word3 praise0 word2 blame1", "blame0 praise1 word5"})
    check_text({.evidence = EvidenceKind::order}, text);
  for (const char* text :
       {"word3 praise0 word2 blame1", "blame0 praise1 word5 praise0 blame1", "praise1 blame1 blame0"})
    check_text({.evidence = EvidenceKind::position}, text);
}

TEST_CASE("planted truth: some texts by hand") {
  const auto importance = [](PlantedOptions options, EvidenceKind kind, const char* text) {
    options.evidence = kind;
    return planted_truth(options, split_words(text)).importance;
  };
  using Importance = std::vector<double>;
  CHECK(importance({.weights = {1, 2, 4}}, EvidenceKind::single, "praise2 word0 blame19 praise3 chatter1") ==
        Importance{4, 0, 2, 1, 0});  // 2 % 3 = 2, 19 % 3 = 1, 3 % 3 = 0
  CHECK(importance({}, EvidenceKind::negated, "not word1 not blame1") == Importance{0, 0, 0.5, 0.5});
  CHECK(importance({}, EvidenceKind::negated, "not word1 praise0") == Importance{0, 0, 1});
  CHECK(importance({}, EvidenceKind::conjunction, "deny1 word1 praise0") == Importance{0.5, 0, 0.5});
  CHECK(importance({}, EvidenceKind::order, "blame1 word1 praise0") == Importance{0.5, 0, 0.5});
  CHECK(importance({}, EvidenceKind::position, "word2 blame1 praise0 blame0") == Importance{0, 1, 0, 0});
}

TEST_CASE("planted truth: the rule says the label of every text of the corpus, of each kind") {
  for (const EvidenceKind kind : kEvidenceKinds) {
    INFO(to_string(kind));
    PlantedOptions options;
    options.evidence = kind;
    options.spurious = 0.5;
    for (const LabelledText& text : make_planted_corpus(options)) {
      const PlantedTruth truth = planted_truth(options, split_words(text.words));
      REQUIRE(truth.score != 0);
      REQUIRE((truth.score > 0) == (text.label == 1));
    }
  }
}

TEST_CASE("planted truth: on words of another corpus the rule cannot tell, and nothing has importance") {
  for (const EvidenceKind kind : kEvidenceKinds) {
    PlantedOptions options;
    options.evidence = kind;
    for (const char* text : {"", "a good film", "not", "word1 not", "agree1"}) {
      INFO(to_string(kind) << ": " << text);
      const Words words = split_words(text);
      const PlantedTruth truth = planted_truth(options, words);
      CHECK(truth.score == 0);
      CHECK(truth.importance == std::vector<double>(words.size(), 0));
    }
  }
  CHECK(planted_truth({.evidence = EvidenceKind::order}, Words{"word1", "praise1"}).score == 0);
}
