#pragma once
// What a researcher should know about texts that are otherwise right.
#include <string>
#include <vector>

#include "engine/data/dataset.h"

namespace notnot {

/// Texts outside the training split whose words are those of a text of another split, in the same order.
struct RepeatedTexts {
  BySplit<int64_t> texts{}, in_train{};  ///< by split; nothing for train
  int64_t test_in_dev = 0;               ///< of the texts of test that are no training texts
};
/// Keeps a hash per text of train and dev.
RepeatedTexts count_repeated(const std::vector<LabelledText>& texts);

/// A sentence about the splits in which texts are repeated; empty if none are.
std::string repeated_warning(const RepeatedTexts& texts);

/// A sentence about texts of dev and test whose group (LabelledText::group) has training texts, too; empty if none have.
std::string divided_groups_warning(const std::vector<LabelledText>& texts);

/// A sentence if the texts' words are mostly pieces of writing without blanks (Chinese, Japanese, Thai, ...); otherwise
/// empty. The rule: of the first 20,000 words with letters of such a script (count_letters_without_blanks), at least
/// half have a Unicode word boundary within, or more than 6 letters. Texts that are cut into words have few of them.
std::string uncut_warning(const std::vector<LabelledText>& texts);

/// All of these sentences that are not empty.
std::vector<std::string> text_warnings(const std::vector<LabelledText>& texts);

}  // namespace notnot
