#pragma once
// What a model loses when the words of a text are erased in the order of an attribution: a file of each `attribution`
// run, beside the attributions themselves. Formulas and sources: models/README.md, "Erasure".
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace notnot {

/// The shares of a text's words that are deleted, and kept, in percent (DeYoung et al. 2020).
inline constexpr std::array<int32_t, 5> kErasedPercent = {1, 5, 10, 20, 50};
inline constexpr size_t kErasedShares = kErasedPercent.size();
/// How many of `words` words, at least 1, are `percent` of them: rounded up, and one at least.
int64_t erased_words(int64_t words, int32_t percent);

/// erasure_SPLIT.safetensors: a tensor per member, under its name. Words are erased by descending |score_probability|
/// of Attributions, equal ones in the order of the text. Made by models/erasure.h.
struct Erasure {
  /// [size] How many words have to be erased until the decision flips, their weights set to 0 and the others divided by
  /// their sum: from 1 to the text's words, or -1 where it never does (kernels/erasure_flip.h).
  std::vector<int32_t> flip_size;
  std::vector<int32_t> smallest_flip_size;  ///< [size] the least of all sets of words; the same for every measure

  /// [size, kErasedShares] By how much the probability or the logit of the predicted class falls when the first words
  /// of the order are deleted (comprehensiveness), and when no others are kept (sufficiency). The model is rerun.
  std::vector<float> comprehensiveness_probability, comprehensiveness_logit, sufficiency_probability, sufficiency_logit;

  /// [tokens] 1 for the words that a person marked as the reason for the label, otherwise 0; empty where the data has
  /// no rationales.
  std::vector<int32_t> rationale = {};
  std::vector<int64_t> offsets;  ///< [size + 1] the last three as in Attention
  std::vector<int32_t> label;    ///< [size]
  std::vector<int64_t> row;      ///< [size]

  int32_t size() const { return static_cast<int32_t>(label.size()); }
  int64_t words(int32_t text) const { return offsets[text + 1] - offsets[text] - 2; }
};

/// What is wrong with `erasure`; empty when nothing is. Offsets must fit texts that have a word, labels must be 0 or 1;
/// a flip takes no more words than the text has, and no fewer than the smallest; changes are finite, those of a
/// probability at most 1.
std::string fault(const Erasure& erasure);

/// The mean over the shares of one of Erasure's four tables, [size]: the area over the perturbation curve (AOPC).
std::vector<double> mean_over_shares(std::span<const float> changes);
/// The share of the words of each text, [size], that `flip_size`, one of Erasure's two, takes. One that never flips
/// takes all of them.
std::vector<double> flip_shares(const Erasure& erasure, std::span<const int32_t> flip_size);

}  // namespace notnot
