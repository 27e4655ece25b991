#pragma once
// The paper's third test (section 3.4, Table 3): does the attention of a model help an MLP, which sees every word
// without its context? The attention that weighs the words of the MLP is called its guide.
#include "experiments/report/part.h"

namespace notnot {

Part guides_part();

ResultTable guide_table(const LoadedStudy& study);  ///< Table 3
/// The guided MLPs with other weights than their guides', see GuideScores; may have no rows.
ResultTable guide_controls_table(const LoadedStudy& study);

}  // namespace notnot
