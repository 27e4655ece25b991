#include "engine/data/dataset_builder.h"

#include <algorithm>
#include <utility>

#include "engine/io/input_error.h"
#include "engine/io/stop.h"
#include "engine/io/text.h"
#include "kernels/base/error.h"

namespace notnot {
namespace {

void check_two_classes(const std::string& where, const Split& split) {
  const int32_t positives = split.positives();
  if (positives > 0 && positives < split.size()) return;
  throw InputError(fmt::format(
      "{}: all {} texts have label {}, but ROC-AUC and the class weights need both classes; add texts of the "
      "other class or choose other length bounds",
      where, split.size(), positives > 0 ? 1 : 0));
}

/// Statements about other texts than those of the test split need samples, of which each group is one.
void check_two_groups(const std::string& where, const Column<int64_t>& groups) {
  if (groups.empty() || groups.front() == 0) return;
  if (std::count(groups.begin(), groups.end(), groups.front()) < static_cast<int64_t>(groups.size())) return;
  throw InputError(fmt::format(
      "{}: all {} texts are of one group, so that they say nothing about other groups; add texts of other groups, or "
      "remove the column group",
      where, groups.size()));
}

}  // namespace

int32_t DatasetBuilder::word_number(std::string_view word) {
  const auto found = numbers_.find(word);
  if (found != numbers_.end()) return found->second;
  const auto number = static_cast<int32_t>(distinct_.size());
  distinct_.push_back({.spelling = spellings_.emplace_back(word)});
  numbers_.emplace(distinct_.back().spelling, number);
  return number;
}

void DatasetBuilder::add(const LabelledText& text) {
  check_stop();
  NOTNOT_CHECK(text.label == 0 || text.label == 1, "label {} of row {}", text.label, text.row);
  const size_t begin = words_.size();
  const size_t number = texts_.size() + 1;
  for (const std::string_view spelling : split_words(text.words)) {
    const int32_t word_id = word_number(spelling);
    words_.push_back(word_id);
    if (text.split != SplitName::train) continue;
    Word& word = distinct_[word_id];
    if (word.last_text != number) ++word.training_texts;
    word.last_text = number;
  }
  NOTNOT_CHECK(words_.size() > begin, "the text of row {} has no word", text.row);
  NOTNOT_CHECK(are_places(text.rationale, words_.size() - begin), "the rationale of row {} has no places of words",
               text.row);
  texts_.push_back({.begin = begin,
                    .end = words_.size(),
                    .label = text.label,
                    .split = text.split,
                    .row = text.row,
                    .id = text.id,
                    .group = text.group,
                    .rationale = text.rationale});
}

Vocabulary DatasetBuilder::vocabulary(int32_t min_df) const {
  if (min_df < 1) throw InputError(fmt::format("a minimum document frequency of {}; it must be at least 1", min_df));
  std::vector<std::string> words;
  for (const Word& word : distinct_) {
    if (word.training_texts >= min_df) words.emplace_back(word.spelling);
  }
  return Vocabulary(std::move(words));
}

SplitCounts DatasetBuilder::count(SplitName split, const DatasetOptions& options) const {
  SplitCounts counts;
  size_t shortest = std::numeric_limits<size_t>::max(), longest = 0;
  for (const Text& text : texts_) {
    if (text.split != split) continue;
    ++(text.label == 1 ? counts.positive : counts.negative);
    shortest = std::min(shortest, text.length());
    longest = std::max(longest, text.length());
  }
  counts.low = options.min_length >= 0 ? static_cast<size_t>(options.min_length) : shortest;
  counts.high = options.max_length >= 0 ? static_cast<size_t>(options.max_length) : longest;
  for (size_t i = 0; i < texts_.size(); ++i) {
    const bool fits = counts.low < texts_[i].length() && texts_[i].length() < counts.high;
    if (texts_[i].split == split && (fits || !options.filter_by_length)) counts.kept.push_back(i);
  }
  return counts;
}

std::vector<int32_t> DatasetBuilder::ids_in(const Vocabulary& vocabulary) const {
  std::vector<int32_t> ids;
  ids.reserve(distinct_.size());
  for (const Word& word : distinct_) ids.push_back(vocabulary.id(word.spelling));
  return ids;
}

/// Fills `outside` and `unknown` of the split, which has `texts`.
void DatasetBuilder::add_unknown(const Vocabulary& vocabulary, const std::vector<size_t>& texts, Split& split) const {
  const std::vector<int32_t> ids = ids_in(vocabulary);
  std::unordered_map<int32_t, int32_t> places;  // from distinct_ to split.outside
  for (const size_t i : texts) {
    for (const int32_t word : words_.read(texts_[i].begin, texts_[i].end)) {
      if (ids[word] != kUnknownId) continue;
      const auto [place, is_new] = places.emplace(word, static_cast<int32_t>(split.outside.size()));
      if (is_new) split.outside.push_back(distinct_[word].spelling);
      split.unknown.push_back(place->second);
    }
  }
}

void DatasetBuilder::add_rationales(const std::vector<size_t>& texts, Split& split) const {
  split.rationale_offsets.push_back(0);
  for (const size_t i : texts) {
    const std::vector<int32_t>& rationale = texts_[i].rationale;
    split.rationales.insert(split.rationales.end(), rationale.begin(), rationale.end());
    split.rationale_offsets.push_back(static_cast<int64_t>(split.rationales.size()));
  }
}

Dataset DatasetBuilder::outline(std::string name, const DatasetOptions& options) const {
  Dataset dataset{std::move(name), vocabulary(options.min_df), {}};
  const bool has_ids = std::any_of(texts_.begin(), texts_.end(), [](const Text& text) { return !text.id.empty(); });
  const bool has_groups = std::any_of(texts_.begin(), texts_.end(), [](const Text& text) { return text.group != 0; });
  const bool has_rationales =
      std::any_of(texts_.begin(), texts_.end(), [](const Text& text) { return !text.rationale.empty(); });
  for (const SplitName split_name : kSplitNames) {
    const std::string where = fmt::format("{}: the {} split", dataset.name, to_string(split_name));
    const SplitCounts counts = count(split_name, options);
    const int64_t all = counts.negative + counts.positive;
    if (all == 0) throw InputError(fmt::format("{} has no text; add texts to it", where));
    if (counts.kept.empty()) {
      throw InputError(
          fmt::format("{}: none of its {} texts has more than {} and fewer than {} words; choose other length bounds",
                      where, all, counts.low, counts.high));
    }
    Split& split = dataset.splits[split_name];
    for (const size_t i : counts.kept) {
      split.offsets.push_back(split.offsets.back() + texts_[i].length() + 2);
      split.labels.push_back(texts_[i].label);
      split.rows.push_back(texts_[i].row);
      if (has_ids) split.ids.push_back(texts_[i].id);
      if (has_groups) split.groups.push_back(texts_[i].group);
    }
    if (has_rationales) add_rationales(counts.kept, split);
    add_unknown(dataset.vocabulary, counts.kept, split);
    if (split_name != SplitName::dev) check_two_classes(where, split);
    if (split_name == SplitName::test) check_two_groups(where, split.groups);
  }
  if (dataset.vocabulary.size() == kFirstWordId) {
    throw InputError(fmt::format(
        "{}: no word stands in {} or more training texts, so the vocabulary is empty; choose a smaller --min-df",
        dataset.name, options.min_df));
  }
  return dataset;
}

void DatasetBuilder::encode(const Vocabulary& vocabulary, SplitName split, const DatasetOptions& options,
                            const std::function<void(std::span<const int32_t>)>& take) const {
  const std::vector<int32_t> ids = ids_in(vocabulary);
  for (const size_t i : count(split, options).kept) {
    std::vector<int32_t> token_ids = {kStartId};
    for (const int32_t word : words_.read(texts_[i].begin, texts_[i].end)) token_ids.push_back(ids[word]);
    token_ids.push_back(kEndId);
    take(token_ids);
  }
}

Dataset DatasetBuilder::build(std::string name, const DatasetOptions& options) const {
  Dataset dataset = outline(std::move(name), options);
  for (const SplitName split_name : kSplitNames) {
    Split& split = dataset.splits[split_name];
    std::vector<int32_t> token_ids;
    // Reserved at once: a vector that grows by itself holds up to three times as much for a moment.
    token_ids.reserve(split.offsets.back());
    encode(dataset.vocabulary, split_name, options,
           [&](std::span<const int32_t> text) { token_ids.insert(token_ids.end(), text.begin(), text.end()); });
    split.token_ids = std::move(token_ids);
  }
  return dataset;
}

LabelledText DatasetBuilder::text(size_t i) const {
  const Text& text = texts_[i];
  std::string words;
  for (const int32_t word : words_.read(text.begin, text.end)) {
    if (!words.empty()) words += ' ';
    words += distinct_[word].spelling;
  }
  return {std::move(words), text.label, text.split, text.row, text.id, text.group, text.rationale};
}

}  // namespace notnot
