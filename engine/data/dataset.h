#pragma once
// A classified text corpus as the engine sees it: three splits of token ids in ragged form, and the vocabulary that
// made them. Conventions follow the published protocol: Jain & Wallace 2019's preprocessing, which Wiegreffe & Pinter
// 2019 section 3.1 reuse.
#include <array>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/data/split_name.h"
#include "engine/io/column.h"
#include "engine/io/string_column.h"
#include "kernels/base/ragged.h"

namespace notnot {

/// Ids that every vocabulary reserves. A text is `<SOS> words <EOS>`; the two boundary tokens get no attention.
inline constexpr int32_t kUnknownId = 1;  ///< `<UNK>`: a word the training split has in fewer than min_df texts
inline constexpr int32_t kStartId = 2;    ///< `<SOS>`
inline constexpr int32_t kEndId = 3;      ///< `<EOS>`
inline constexpr int32_t kFirstWordId = 4;

/// Whether these are places of `words` words, counted from 0, in ascending order.
bool are_places(std::span<const int32_t> places, size_t words);

/// One text as it was read, already tokenised: words are separated by single blanks.
struct LabelledText {
  std::string words;
  int32_t label = 0;  ///< 0 or 1
  SplitName split = SplitName::train;
  /// Where the text stands in its source: 1 = the first record after the header. The engine's own name for the text, in
  /// messages and in files for other programs.
  int64_t row = 0;
  /// The text's name in its source: a file's, or what stands in the user's column `id`. Empty where it has none.
  /// Several texts may have the same.
  std::string id = {};
  /// Texts with the same number belong together, such as those of one patient: they are no independent samples. 0 where
  /// nothing is known.
  int64_t group = 0;
  /// The words, counted from 0, that a person marked as the reason for the label, ascending. Empty where nobody marked
  /// any.
  std::vector<int32_t> rationale = {};
};

/// Words and their ids. Ids kFirstWordId.. are given in byte order of the words, so that a corpus has one vocabulary.
class Vocabulary {
 public:
  /// The most that `vocabulary.txt` may have: some 100 million words, whose embeddings no machine holds.
  static constexpr int64_t kMostBytes = int64_t{1} << 30;

  /// The four reserved ids and `words`, each of which stands there once, in any order. A reserved word among them is
  /// left out.
  explicit Vocabulary(std::vector<std::string> words);
  /// The words that occur in at least `min_df` of the training texts (each text counted once).
  static Vocabulary build(const std::vector<LabelledText>& texts, int32_t min_df);
  /// Reads `vocabulary.txt` of a run folder: a word per line, line k (from 1) holds id k-1. Throws InputError.
  static Vocabulary load(const std::filesystem::path& path);
  /// The content of `vocabulary.txt`.
  std::string serialize() const;

  int32_t size() const { return static_cast<int32_t>(words_.size()); }
  const std::string& word(int32_t id) const { return words_[id]; }
  /// kUnknownId when the word is not in the vocabulary.
  int32_t id(std::string_view word) const;
  /// `<SOS> words <EOS>` as ids.
  std::vector<int32_t> encode(std::string_view words) const;

 private:
  Vocabulary() = default;
  void index();
  std::vector<std::string> words_;
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view word) const { return std::hash<std::string_view>{}(word); }
  };
  std::unordered_map<std::string, int32_t, Hash, std::equal_to<>> ids_;
};

/// One split, ragged: text i is token_ids[offsets[i] .. offsets[i+1]), boundary tokens included. The model sees these
/// columns only; `outside` and `unknown` tell people which words it did not know (engine/data/word_reader.h).
struct Split {
  Column<int32_t> token_ids;      ///< [tokens]
  Column<int64_t> offsets = {0};  ///< [size + 1]
  Column<int32_t> labels;         ///< [size] 0 or 1
  Column<int64_t> rows;           ///< [size] LabelledText::row
  StringColumn ids = {};          ///< [size] LabelledText::id; empty if no text of any split has one
  Column<int64_t> groups = {};    ///< [size] LabelledText::group; empty if no text of any split has one
  /// LabelledText::rationale of all texts, one behind the other, and where each begins [size + 1]; both empty if no
  /// text of any split has one.
  Column<int32_t> rationales = {};
  Column<int64_t> rationale_offsets = {};
  StringColumn outside = {};     ///< the distinct words that the vocabulary lacks, in the order of their first use
  Column<int32_t> unknown = {};  ///< for each kUnknownId of token_ids, in order: the word's number in `outside`

  int32_t size() const { return static_cast<int32_t>(labels.size()); }
  int32_t length(int32_t i) const { return static_cast<int32_t>(offsets[i + 1] - offsets[i]); }
  int32_t positives() const;
  /// [tokens] 1 for the words of rationales, otherwise 0; empty if there are none.
  std::vector<int32_t> marked_tokens() const;
};

struct Dataset {
  std::string name;
  Vocabulary vocabulary;
  BySplit<Split> splits;

  const Split& split(SplitName name) const { return splits[name]; }
  /// `N / sum(y) - 1` on the filtered training split: the weight of class 1 in the base loss.
  double positive_weight() const;
};

/// How texts become a Dataset. The length filter counts word tokens n (boundary tokens not counted) in every split and
/// keeps min_length < n < max_length, strictly; a missing bound is the shortest or longest n of that split, the
/// comparison staying strict. `filter_by_length = false` (no bound given by the user, or AgNews) keeps every text.
struct DatasetOptions {
  int32_t min_df = 1;
  bool filter_by_length = false;
  int32_t min_length = -1;  ///< -1: the split's own shortest
  int32_t max_length = -1;  ///< -1: the split's own longest
};

/// The Dataset that DatasetBuilder makes of `texts`.
Dataset make_dataset(std::string name, const std::vector<LabelledText>& texts, const DatasetOptions& options);

}  // namespace notnot
