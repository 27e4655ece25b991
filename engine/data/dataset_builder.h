#pragma once
// Makes a Dataset of texts that come one at a time. It keeps every distinct word once, and for every text its label,
// split, row, id and the place of its words. The words themselves, four bytes each, may go to a scratch file: then
// memory depends on the number of texts, of distinct words and of words outside the vocabulary, not on the length of
// the texts.
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/data/dataset.h"
#include "engine/io/spool.h"

namespace notnot {

/// Takes the texts that a reader hands over one at a time.
using TextSink = std::function<void(LabelledText&&)>;

/// A split before and after the length filter.
struct SplitCounts {
  int64_t negative = 0, positive = 0;  ///< before the filter
  size_t low = 0, high = 0;            ///< the bounds, given or the split's own: low < words < high is kept
  std::vector<size_t> kept;            ///< numbers of the texts that are kept, in the order in which they were added
};

class DatasetBuilder {
 public:
  /// Keeps the words in memory.
  DatasetBuilder() = default;
  /// Keeps them in a ScratchFile of this name.
  explicit DatasetBuilder(const std::filesystem::path& scratch) : words_(scratch) {}

  /// The text must have a word, the label 0 or 1, and a rationale of ascending places of its words; otherwise Error.
  void add(const LabelledText& text);

  size_t size() const { return texts_.size(); }
  bool empty() const { return texts_.empty(); }

  /// The words that occur in at least `min_df` of the training texts (each text counted once).
  Vocabulary vocabulary(int32_t min_df) const;

  /// Builds the vocabulary from the training split (before the length filter), filters and encodes. Throws InputError
  /// when a split is empty after the filter or when the training or test split has only one class (ROC-AUC is undefined
  /// there), the test split only one group, or the vocabulary is empty.
  Dataset build(std::string name, const DatasetOptions& options) const;

  /// The Dataset of `build` without its token ids, which `encode` gives.
  Dataset outline(std::string name, const DatasetOptions& options) const;
  /// Hands over the token ids of the split's texts, a text at a time, in the order of `outline`.
  void encode(const Vocabulary& vocabulary, SplitName split, const DatasetOptions& options,
              const std::function<void(std::span<const int32_t>)>& take) const;

  /// The texts of `split` that `build` would keep; possibly none.
  SplitCounts count(SplitName split, const DatasetOptions& options) const;

  /// Text `i`, 0 = the first that was added, as it was added.
  LabelledText text(size_t i) const;

 private:
  struct Text {
    size_t begin, end;  ///< its words in words_
    int32_t label;
    SplitName split;
    int64_t row;
    std::string id;
    int64_t group;
    std::vector<int32_t> rationale;
    size_t length() const { return end - begin; }
  };
  struct Word {
    std::string_view spelling;
    int32_t training_texts = 0;  ///< number of training texts that have the word
    size_t last_text = 0;        ///< 1 + number of the last text that was counted
  };
  int32_t word_number(std::string_view word);
  /// The ids of distinct_ in the vocabulary.
  std::vector<int32_t> ids_in(const Vocabulary& vocabulary) const;
  void add_rationales(const std::vector<size_t>& texts, Split& split) const;
  void add_unknown(const Vocabulary& vocabulary, const std::vector<size_t>& texts, Split& split) const;

  std::deque<std::string> spellings_;  ///< never moves, so that views of its strings stay good
  std::vector<Word> distinct_;
  std::unordered_map<std::string_view, int32_t> numbers_;  ///< of spellings_, into distinct_
  Spool words_;                                            ///< of all texts, as numbers into distinct_
  std::vector<Text> texts_;
};

}  // namespace notnot
