#pragma once
// The list of the study's runs, and why some of them cannot be used.
#include "experiments/report/part.h"

namespace notnot {

Part runs_part();

ResultTable run_table(const LoadedStudy& study);     ///< a row per finished run
ResultTable unused_table(const LoadedStudy& study);  ///< a row per failed or unfinished run, with the reason

}  // namespace notnot
