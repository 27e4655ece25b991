// Warnings about texts: those that stand in two splits, and those that no blanks cut into words.
#include "engine/data/text_warnings.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "tests/support/input_error.h"

using namespace notnot;

namespace {

std::vector<LabelledText> training(const std::vector<std::string>& texts) {
  std::vector<LabelledText> result;
  for (const std::string& words : texts) result.push_back({.words = words});
  return result;
}

}  // namespace

TEST_CASE("text warnings: texts of dev and test that are training texts are counted") {
  std::vector<LabelledText> texts = training({"a b", "a b", "c"});
  CHECK(repeated_warning(count_repeated(texts)).empty());
  texts.push_back({.words = "a b", .label = 1, .split = SplitName::test});
  texts.push_back({.words = "b a", .split = SplitName::test});
  texts.push_back({.words = "c", .split = SplitName::test});
  texts.push_back({.words = "d", .split = SplitName::dev});
  RepeatedTexts counts = count_repeated(texts);
  CHECK(counts.in_train == BySplit<int64_t>{0, 0, 2});
  CHECK(counts.test_in_dev == 0);
  CHECK(counts.texts == BySplit<int64_t>{0, 1, 3});
  CHECK(repeated_warning(counts).starts_with("2 of 3 test texts are also training texts, word for word"));
  texts.push_back({.words = "c", .split = SplitName::dev});
  CHECK(repeated_warning(count_repeated(texts)).starts_with("2 of 3 test texts and 1 of 2 dev texts are also"));
  CHECK(text_warnings(texts).size() == 1);
  texts.push_back({.words = "d", .split = SplitName::test});
  CHECK_HAS(repeated_warning(count_repeated(texts)),
            "2 of 4 test texts and 1 of 2 dev texts are also training texts, and 1 of 4 test texts are also dev texts");
}

TEST_CASE("text warnings: texts of test that are dev texts") {
  const std::vector<LabelledText> texts = {
      {.words = "a"}, {.words = "b", .split = SplitName::dev}, {.words = "b", .split = SplitName::test}};
  CHECK(repeated_warning(count_repeated(texts)).starts_with("1 of 1 test texts are also dev texts, word for word"));
}

TEST_CASE("text warnings: groups that have texts in training and elsewhere") {
  const auto text = [](SplitName split, int64_t group) {
    return LabelledText{.words = fmt::format("{} {}", to_string(split), group), .split = split, .group = group};
  };
  std::vector<LabelledText> texts = {text(SplitName::train, 1), text(SplitName::train, 0), text(SplitName::test, 0),
                                     text(SplitName::test, 3), text(SplitName::dev, 3)};
  CHECK(divided_groups_warning(texts).empty());  // dev and test may share a group; texts without one stand alone
  texts.push_back(text(SplitName::test, 1));
  CHECK(divided_groups_warning(texts).starts_with("1 of 3 test texts belong to groups"));
  texts.push_back(text(SplitName::dev, 1));
  CHECK(divided_groups_warning(texts).starts_with("1 of 3 test texts and 1 of 2 dev texts belong to groups"));
  CHECK(text_warnings(texts).size() == 1);
}

TEST_CASE("text warnings: texts in scripts without blanks that nothing has cut") {
  const std::string film = "\xE7\x94\xB5\xE5\xBD\xB1";  // two Han letters
  const std::string seven = film + film + film + "\xE5\xA5\xBD";
  CHECK_HAS(uncut_warning(training({seven})), "1 of 1 words in Han are several words");
  CHECK_HAS(uncut_warning(training({seven})), "--tokenise words");
  CHECK_HAS(uncut_warning(training({film + film, film})), "1 of 2 words in Han");  // short texts, too
  CHECK(uncut_warning(training({film + "!", "(" + film + ")"})).empty());
  CHECK(uncut_warning(training({seven + " " + film})) != "");
  CHECK(uncut_warning(training({seven + " " + film + " " + film})).empty());
  const std::string thai = "\xE0\xB8\x81\xE0\xB8\x82\xE0\xB8\x84";  // three Thai letters
  CHECK_HAS(uncut_warning(training({thai + thai + thai})), "in Thai");
  CHECK(uncut_warning(training({"\xE0\xB8\x81\xE0\xB8\xB4\xE0\xB8\x99"})).empty());  // a word of Thai: to eat
  const std::string kana = "\xE3\x81\x82\xE3\x82\xA2\xE3\x81\x83";
  CHECK(uncut_warning(training({kana + kana + kana})) != "");
  CHECK(uncut_warning(training({"a", "donaudampfschifffahrtsgesellschaft"})).empty());
  const std::string korean = "\xED\x95\x9C\xEA\xB5\xAD\xEC\x96\xB4";
  CHECK(uncut_warning(training({korean + korean + korean + korean})).empty());  // Korean has blanks
  CHECK(uncut_warning({}).empty());
}
