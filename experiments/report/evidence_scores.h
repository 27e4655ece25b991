#pragma once
// How well a model's attention finds the words that decide (the planted corpus knows them), and whether the model uses
// these words at all.
#include <optional>
#include <span>

#include "engine/runs/attention.h"

namespace notnot {

/// Attention against the importance of the words: means over the texts that have a word with importance and one
/// without. NaN if there is none.
struct AttentionScores {
  double precision = 0;  ///< the share of the attention that lies on words with importance
  /// The share of the importance that lies on words with at least an equal share of the attention (1 / words).
  /// All attention on one of five words has a high precision and a recall of a fifth.
  double recall = 0;
  double rank_correlation = 0;  ///< somers_d
};
/// `importance`: [tokens], 0 at boundary tokens. Boundary tokens count as no words.
AttentionScores score_attention(const Attention& attention, std::span<const double> importance);

/// Somers' D (1962) of `weight` for `importance`, [n] each: Kendall's rank correlation over the pairs of words whose
/// importance differs. Concordant pairs minus discordant ones, divided by all; a pair with equal weights counts as
/// neither. 1: every word that is more important has more weight; 0: chance, and equal weights. Where importance is 0
/// or 1 it is 2 AUC - 1. (Tau-b and Spearman's correlation cannot reach 1 here, as most words have the same importance,
/// 0, and no two the same weight.) NaN without such a pair.
double somers_d(std::span<const double> importance, std::span<const float> weight);

/// What a model's predictions lose when words of the texts are replaced by filler.
struct Reliance {
  double changed_without_evidence = 0;  ///< the share of the texts whose predicted class changes
  double changed_without_others = 0;    ///< the same when as many other words are replaced
  double f1_without_evidence = 0, f1_without_others = 0;
};
/// `probability` and `label` [texts] are those of the whole texts. Throws InputError where `ablation` has another
/// number of texts.
Reliance reliance(const Ablation& ablation, std::span<const float> probability, std::span<const int32_t> label);

}  // namespace notnot
