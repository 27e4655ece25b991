#pragma once
// The results of a study as a table for the terminal.
#include <string>

#include "experiments/report/loaded_study.h"

namespace notnot {

/// F1, ROC-AUC and accuracy on the test split beside the paper's F1 ("-" where the paper has none). If the study has
/// adversaries, their TVD and JSD, too. Each model has a line for its first seed and, with several seeds, a line for
/// their mean.
std::string summary_table(const LoadedStudy& study);

}  // namespace notnot
