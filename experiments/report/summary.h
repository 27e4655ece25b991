#pragma once
// The results of a study as a table for the terminal.
#include <string>

#include "experiments/report/loaded_study.h"

namespace notnot {

/// F1, ROC-AUC and accuracy on the test split beside the paper's F1 ("-" where the paper has none); for adversaries TVD and
/// JSD, too. A line per model for the base seed and, where there are several seeds, a line for their mean.
std::string summary_table(const LoadedStudy& study);

}  // namespace notnot
