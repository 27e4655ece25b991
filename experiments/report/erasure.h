#pragma once
// What the base models lose when the words of a text are erased in the order of their attention and of its rivals
// (models/README.md, "Erasure"), and how well these orders find the words that are known, or marked, as the reason.
#include <vector>

#include "engine/runs/attributions.h"
#include "experiments/report/part.h"

namespace notnot {

Part erasure_part();

/// A measure of attribution of the study's base models: tables [seeds, texts] of the test split, a row per base model.
struct ErasedMeasure {
  Measure measure = Measure::attention;
  std::vector<uint64_t> seeds;                          ///< of the base models, each once, the base seed first
  std::vector<double> flip_share, smallest_flip_share;  ///< of the words; one that never flips takes all
  std::vector<double> never, smallest_never;            ///< 1 where the decision never flips, otherwise 0
  // Means over the five shares (AOPC).
  std::vector<double> comprehensiveness_probability, comprehensiveness_logit, sufficiency_probability,
      sufficiency_logit;
  /// RationaleScores against the words with importance of the planted corpus, or the column rationale of the user's
  /// data; NaN for texts without such words or with no others. Empty where nothing is known.
  std::vector<double> average_precision, token_f1, chance;
};
/// In the order of kMeasures; those that have a finished run of a base model on the test split. Throws InputError where
/// a run is on other texts than the study.
std::vector<ErasedMeasure> erased_measures(const LoadedStudy& study);

/// A row for the optimum and a row per measure: the share of the words that are erased until the decision flips.
ResultTable flip_table(const LoadedStudy& study, const std::vector<ErasedMeasure>& measures);
/// A row per measure: comprehensiveness and sufficiency.
ResultTable eraser_table(const LoadedStudy& study, const std::vector<ErasedMeasure>& measures);
/// A row per measure but attention: its difference from attention on the same seeds and texts. No rows without
/// attention.
ResultTable erasure_difference_table(const LoadedStudy& study, const std::vector<ErasedMeasure>& measures);
/// A row per measure: average precision and token F1. No rows where no text has evidence.
ResultTable rationale_table(const LoadedStudy& study, const std::vector<ErasedMeasure>& measures);

}  // namespace notnot
