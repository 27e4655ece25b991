#pragma once
// A synthetic corpus whose right explanation is known: in a text of neutral filler, a few planted words decide the
// label. It needs no data and no network, and it tells whether an attention points at what decides
// (planted_truth.h has the importance of every word).
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/data/dataset.h"

namespace notnot {

/// The rule by which a text has its label. Only `single` can be decided by a bag of words: for `negated`, `order` and
/// `position` the words of a text without their order are independent of the label, and for `conjunction` no word says
/// anything alone, so that no sum over words is right on more than three quarters of the texts.
enum class EvidenceKind : uint8_t {
  single,       ///< the class with the larger sum of weights among the evidence words
  negated,      ///< one evidence word; its class, or the other one if `not` stands directly before it
  conjunction,  ///< an evidence word and a partner: 1 if both are of the same class (the opposite of XOR), otherwise 0
  order,        ///< an evidence word of each class: the class of the one that comes first
  position      ///< two to four evidence words of both classes: the class of the first, whatever the others are
};
inline constexpr EvidenceKind kEvidenceKinds[] = {EvidenceKind::single, EvidenceKind::negated,
                                                  EvidenceKind::conjunction, EvidenceKind::order,
                                                  EvidenceKind::position};
std::string_view to_string(EvidenceKind kind);
/// The kind of that name; nothing if there is none.
std::optional<EvidenceKind> evidence_kind(std::string_view name);

struct PlantedOptions {
  uint64_t seed = 1;  ///< of the corpus, not of the training: runs with different seeds see the same texts
  /// Texts, at least 2 each; half of each split (rounded down) is positive.
  int32_t train = 2000, dev = 400, test = 400;
  int32_t min_length = 8, max_length = 30;  ///< words per text, uniform; at least 8
  /// Only for EvidenceKind::single, from 0 to 1: the share of the texts that have evidence for the other class, too;
  /// with equal weights, of those with 2 or 3 words of evidence for their label, one word less. At 0 any evidence word
  /// tells the label; at 1 the words must be counted. At every difficulty the larger sum is right, so the label can
  /// always be recovered.
  double difficulty = 0.25;
  EvidenceKind evidence = EvidenceKind::single;
  /// Only for EvidenceKind::single: evidence word k of a class has weights[k % size]. 1 to 20 numbers from 1 to 100.
  std::vector<int32_t> weights = {1};
  /// From 0 to 1: the share of the texts with a word that speaks for their label in training and for a class by chance
  /// in dev and test. A model that trusts it is wrong there.
  double spurious = 0;
  /// From 0 to 0.5: the share of the labels, of all splits, that are turned over. The words stay those of the rule.
  double label_noise = 0;
  bool operator==(const PlantedOptions&) const = default;

  /// The expected F1 of the rule, the best classifier that there is: precision and recall are both 1 - label_noise.
  double bayes_f1() const { return 1 - label_noise; }
};

/// Throws InputError on options that make_planted_corpus refuses.
void check_planted_options(const PlantedOptions& options);

/// What differs from the defaults, but for the sizes of the splits: "evidence negated, label noise 0.1, corpus seed 2".
/// Empty if nothing does.
std::string variant_in_words(const PlantedOptions& options);

/// A text has the words that its rule needs, 0 to 3 distractors (30 kinds, `chatter0`..: unrelated to the label), a
/// spurious cue in the place of one of these, and filler (400 kinds, `word0`..), all in random order, but `not` stays
/// before its word. With EvidenceKind::single there are 1 to 3 evidence words for the label (40 kinds: `praise0`.. for
/// 1, `blame0`.. for 0; about as frequent as distractors) and the contrary ones that `difficulty` gives it. The other
/// rules have few kinds of words (see planted_corpus.cpp), and of these exactly what decides:
///
///   negated      one evidence word and one `not`, which stands before it or before a filler word: not in front of the
///                evidence it means nothing, so that only its place tells anything
///   conjunction  one evidence word and one partner (`agree0`.. or `deny0`..)
///   order        one evidence word of each class
///   position     1 or 2 evidence words of each class
///
/// The result depends on the options only; text i of a split does not depend on the sizes of the splits, and its words
/// do not depend on label_noise. Rows are numbered through train, dev and test. Throws InputError on options out of
/// range, and on those that the kind of evidence does not have.
std::vector<LabelledText> make_planted_corpus(const PlantedOptions& options);

}  // namespace notnot
