#pragma once
// The list of the study's runs, and why some of them cannot be used.
#include "experiments/report/part.h"

namespace notnot {

Part runs_part();

/// A row per model whose epoch a ROC-AUC chose, with means over its runs; may have no rows.
ResultTable epoch_choice_table(const LoadedStudy& study);
ResultTable run_table(const LoadedStudy& study);  ///< a row per finished run
/// A row per split of a finished attribution.
ResultTable attribution_table(const LoadedStudy& study);
ResultTable unused_table(const LoadedStudy& study);  ///< a row per failed or unfinished run, with the reason

}  // namespace notnot
