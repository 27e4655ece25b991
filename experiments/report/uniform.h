#pragma once
// The paper's first test (section 3.2, Table 2): is attention needed at all? The base model is compared with its twin
// that weighs all words equally.
#include "experiments/report/part.h"

namespace notnot {

Part uniform_part();

/// Up to this difference of F1, or of ROC-AUC, two models count as equally good. It parts the six gains of the paper's
/// Table 2 as its text does.
inline constexpr double kLittleGain = 0.01;

ResultTable attention_table(const LoadedStudy& study);  ///< Table 2

}  // namespace notnot
