#pragma once
// The paper's third test (section 3.4, Table 3): does the attention of a model help an MLP, which sees every word
// without its context? The attention that weighs the words of the MLP is called its guide.
#include <optional>

#include "experiments/report/part.h"

namespace notnot {

Part guides_part();

/// How far the adversaries that guide MLPs are from the base models that they attack.
struct GuideDistance {
  double jsd = 0;  ///< the mean over the adversaries of their mean JSD
  /// kFarAttention, or the mean JSD of base models of other seeds if that is more: nearer ones have not moved.
  double needed = 0;
  std::optional<double> of_seeds = {};  ///< that mean JSD
  bool has_moved() const { return jsd > needed; }
};
/// Of the adversaries that guide the MLPs of the group. Nothing if the study has none of them.
std::optional<GuideDistance> guide_distance(const LoadedStudy& study, const ModelGroup& guided);

/// A score of GuideScores over the runs of the group: mean and spread over the runs where it is a number, and how many
/// these are if not all.
std::string guide_score(const ModelGroup& group, double GuideScores::*score);

ResultTable guide_table(const LoadedStudy& study);  ///< Table 3
/// The guided MLPs with other weights than their guides', see GuideScores; may have no rows.
ResultTable guide_controls_table(const LoadedStudy& study);

}  // namespace notnot
