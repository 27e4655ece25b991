#pragma once
// The paper's third test (section 3.4, Table 3): does the attention of a model help an MLP, which sees every word
// without its context? The attention that weighs the words of the MLP is called its guide.
#include "experiments/report/part.h"

namespace notnot {

Part guides_part();

/// The mean JSD of each adversary that guides an MLP of the group, from the base model that it attacks. Adversaries
/// that the study does not have are left out.
std::vector<double> jsd_of_guides(const LoadedStudy& study, const ModelGroup& guided);

ResultTable guide_table(const LoadedStudy& study);  ///< Table 3
/// The guided MLPs with other weights than their guides', see GuideScores; may have no rows.
ResultTable guide_controls_table(const LoadedStudy& study);

}  // namespace notnot
