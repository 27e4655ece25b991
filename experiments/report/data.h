#pragma once
// The data of a study (the paper's Table 1), and how its runs differ from the paper's.
#include "experiments/report/part.h"

namespace notnot {

Part data_part();

ResultTable data_table(const LoadedStudy& study);  ///< Table 1

}  // namespace notnot
