#pragma once
// The runs of the study: one row each, and why some cannot be used.
#include "experiments/report/part.h"

namespace notnot {

Part runs_part();

ResultTable run_table(const LoadedStudy& study);     ///< a row per finished run
ResultTable unused_table(const LoadedStudy& study);  ///< a row per other run, with the reason

}  // namespace notnot
