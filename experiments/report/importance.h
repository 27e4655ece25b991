#pragma once
// Does attention agree with the other measures of importance, and do they with each other? (Jain & Wallace 2019,
// section 4.1.) Each agreement is of absolute scores with respect to the probability, text by text, and corrected for
// chance; it stands between a floor, scores that are dealt out anew, and a ceiling, the same measure under two seeds.
#include <optional>
#include <vector>

#include "engine/math/crossed_bootstrap.h"
#include "experiments/report/part.h"

namespace notnot {

Part importance_part();

/// How far two score vectors agree on a text; NaN where that is undefined: one word, or scores that are all equal.
struct TextAgreement {
  double tau_b = 0, pearson = 0;
  double top_k = 0, rbo = 0;  ///< corrected for chance
  double p = 0;               ///< of tau_b, two-sided, not adjusted
};
/// [texts] `x` and `y` are scores [tokens], of which the absolute values count. `offsets` as in Attention.
std::vector<TextAgreement> agreement_by_text(const std::vector<int64_t>& offsets, const std::vector<float>& x,
                                             const std::vector<float>& y);

/// One measure beside attention, over the base models of the study that have its attribution on the test split.
struct ImportanceRow {
  Measure measure = Measure::attention;
  std::vector<uint64_t> seeds;
  /// Of its scores with the attention of the same model; for attention itself everything is 1.
  CrossedBootstrap tau_b, pearson, top_k, rbo;
  double significant = 0;  ///< the share of the texts, over all seeds, with p <= .05
  /// With two seeds or more. The ceiling: tau_b between the scores of two seeds, over all pairs of them.
  /// `below_ceiling`: that of attention minus tau_b, with seeds and texts drawn once for both.
  std::optional<CrossedBootstrap> ceiling, below_ceiling;
};
/// In the order of kMeasures, attention first, which needs no attribution; empty if the study has no attribution of a
/// base model. Throws InputError where an attribution has other texts than the study.
std::vector<ImportanceRow> importance_rows(const LoadedStudy& study);

/// A rival of attention beside leave-one-out, over the base models that have both attributions.
struct RivalRow {
  Measure measure = Measure::contribution;
  std::vector<uint64_t> seeds;
  CrossedBootstrap tau_b;
  double significant = 0;  ///< as in ImportanceRow
};
/// In the order of kMeasures. Throws as importance_rows.
std::vector<RivalRow> rival_rows(const LoadedStudy& study);

ResultTable agreement_table(const LoadedStudy& study, const std::vector<ImportanceRow>& rows);
/// What is left between each measure and the ceiling, with p values that Holm has corrected for their number; neither p
/// nor a decision where can_be_told (comparisons.h) is false.
ResultTable ceiling_table(const LoadedStudy& study, const std::vector<ImportanceRow>& rows);
ResultTable rival_table(const LoadedStudy& study, const std::vector<RivalRow>& rows);
/// The rows of agreement_table as a figure.
AgreementFigure agreement_figure(const std::vector<ImportanceRow>& rows);

}  // namespace notnot
