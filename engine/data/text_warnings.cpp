#include "engine/data/text_warnings.h"

#include <fmt/format.h>

#include <functional>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "engine/io/text.h"

namespace notnot {

RepeatedTexts count_repeated(const std::vector<LabelledText>& texts) {
  const std::hash<std::string_view> hash;
  std::unordered_set<size_t> training;
  for (const LabelledText& text : texts) {
    if (text.split == SplitName::train) training.insert(hash(text.words));
  }
  RepeatedTexts counts;
  for (const LabelledText& text : texts) {
    if (text.split == SplitName::train) continue;
    ++counts.texts[text.split];
    counts.repeated[text.split] += training.contains(hash(text.words)) ? 1 : 0;
  }
  return counts;
}

std::string repeated_warning(const RepeatedTexts& texts) {
  std::string counts;
  for (const SplitName split : {SplitName::test, SplitName::dev}) {
    if (texts.repeated[split] == 0) continue;
    counts += fmt::format("{}{} of {} {} texts", counts.empty() ? "" : " and ", texts.repeated[split],
                          texts.texts[split], to_string(split));
  }
  if (counts.empty()) return "";
  return counts +
         " are also training texts, word for word, so scores on them say little about new texts; leave each text in "
         "one split";
}

std::string uncut_warning(const std::vector<LabelledText>& texts) {
  constexpr size_t kMostLetters = 6;
  int64_t words = 0, long_words = 0;
  std::string example;
  for (const LabelledText& text : texts) {
    for (const std::string_view word : split_words(text.words)) {
      const size_t letters = count_letters_without_blanks(word);
      words += letters > 0 ? 1 : 0;
      if (letters <= kMostLetters) continue;
      ++long_words;
      if (example.empty()) example = word;
    }
  }
  if (words == 0 || 4 * long_words < words) return "";
  return fmt::format(
      "{} of {} words in {} have more than {} letters, such as {}: words that no blanks separate count as one; cut "
      "them with notnot prepare csv FILE --tokenise words",
      long_words, words, script_of(example), kMostLetters, in_quotes(example));
}

std::vector<std::string> text_warnings(const std::vector<LabelledText>& texts) {
  std::vector<std::string> warnings;
  for (std::string& warning : std::vector{repeated_warning(count_repeated(texts)), uncut_warning(texts)}) {
    if (!warning.empty()) warnings.push_back(std::move(warning));
  }
  return warnings;
}

}  // namespace notnot
