#include "engine/data/text_warnings.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "engine/io/text.h"

namespace notnot {
namespace {

/// Whether Unicode finds several words of a script without blanks in `word`.
bool is_several_words(std::string_view word) {
  const auto pieces = split_at_word_boundaries(word);
  return std::count_if(pieces.begin(), pieces.end(), count_letters_without_blanks) > 1;
}

/// "2 of 3 test texts and 1 of 2 dev texts"; empty if there are none.
std::string counts_in_words(const BySplit<int64_t>& some, const BySplit<int64_t>& all) {
  std::string counts;
  for (const SplitName split : {SplitName::test, SplitName::dev}) {
    if (some[split] == 0) continue;
    counts +=
        fmt::format("{}{} of {} {} texts", counts.empty() ? "" : " and ", some[split], all[split], to_string(split));
  }
  return counts;
}

}  // namespace

RepeatedTexts count_repeated(const std::vector<LabelledText>& texts) {
  const std::hash<std::string_view> hash;
  BySplit<std::unordered_set<size_t>> known;  // nothing for test
  for (const LabelledText& text : texts) {
    if (text.split != SplitName::test) known[text.split].insert(hash(text.words));
  }
  RepeatedTexts counts;
  for (const LabelledText& text : texts) {
    if (text.split == SplitName::train) continue;
    ++counts.texts[text.split];
    if (known.train.contains(hash(text.words))) {
      ++counts.in_train[text.split];
    } else if (text.split == SplitName::test && known.dev.contains(hash(text.words))) {
      ++counts.test_in_dev;
    }
  }
  return counts;
}

std::string repeated_warning(const RepeatedTexts& texts) {
  std::string sentence = counts_in_words(texts.in_train, texts.texts);
  if (!sentence.empty()) sentence += " are also training texts";
  if (texts.test_in_dev > 0) {
    sentence += fmt::format("{}{} of {} test texts are also dev texts", sentence.empty() ? "" : ", and ",
                            texts.test_in_dev, texts.texts.test);
  }
  if (sentence.empty()) return "";
  return sentence + ", word for word, so scores on them say little about new texts; leave each text in one split";
}

std::string divided_groups_warning(const std::vector<LabelledText>& texts) {
  std::unordered_set<int64_t> in_training;
  for (const LabelledText& text : texts) {
    if (text.split == SplitName::train && text.group != 0) in_training.insert(text.group);
  }
  BySplit<int64_t> all{}, divided{};
  for (const LabelledText& text : texts) {
    if (text.split == SplitName::train) continue;
    ++all[text.split];
    if (in_training.contains(text.group)) ++divided[text.split];
  }
  const std::string counts = counts_in_words(divided, all);
  if (counts.empty()) return "";
  return counts +
         " belong to groups (the column group) that have training texts, too, so scores on them say little about new "
         "groups; leave each group in one split";
}

std::string uncut_warning(const std::vector<LabelledText>& texts) {
  constexpr size_t kMostLetters = 6;
  constexpr int64_t kEnough = 20000;
  int64_t words = 0, uncut = 0;
  std::string example;
  for (const LabelledText& text : texts) {
    if (words >= kEnough) break;
    for (const std::string_view word : split_words(text.words)) {
      const size_t letters = count_letters_without_blanks(word);
      if (letters == 0) continue;
      ++words;
      if (letters <= kMostLetters && !is_several_words(word)) continue;
      ++uncut;
      if (word.size() > example.size()) example = word;
    }
  }
  if (2 * uncut < words || words == 0) return "";
  return fmt::format(
      "{} of {} words in {} are several words or have more than {} letters, such as {}: what no blanks separate counts "
      "as one word; cut it with notnot prepare csv FILE --tokenise words",
      uncut, words, script_of(example), kMostLetters, in_quotes(example));
}

std::vector<std::string> text_warnings(const std::vector<LabelledText>& texts) {
  std::vector<std::string> warnings;
  for (std::string& warning :
       std::vector{repeated_warning(count_repeated(texts)), divided_groups_warning(texts), uncut_warning(texts)}) {
    if (!warning.empty()) warnings.push_back(std::move(warning));
  }
  return warnings;
}

}  // namespace notnot
