#pragma once
// The paper's first test (section 3.2, Table 2): is attention needed at all? The base model is compared with its twin
// that weighs all words equally.
#include "experiments/report/part.h"

namespace notnot {

Part uniform_part();

ResultTable attention_table(const LoadedStudy& study);  ///< Table 2

}  // namespace notnot
