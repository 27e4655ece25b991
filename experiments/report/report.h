#pragma once
// `notnot report`: the paper's tables and figures from run folders, for the terminal and as one HTML page with the
// files behind it.
#include <filesystem>
#include <string>
#include <vector>

#include "experiments/report/exhibits.h"
#include "experiments/report/loaded_study.h"

namespace notnot {

/// F1, ROC-AUC and accuracy on the test split, beside the paper's F1 ("-" where it has none), and for adversaries TVD
/// and JSD: per model a line for the base seed and, with several seeds, one for their mean.
std::string summary_table(const LoadedStudy& study);

/// The whole page; writes its tables and figures through `exhibits`.
std::string report_page(const std::vector<LoadedStudy>& studies, const Exhibits& exhibits);

/// Writes `out`/tables, `out`/figures and at last `out`/index.html, each file atomically, and returns the page's path.
/// Creates `out`; throws InputError when it cannot be written.
std::filesystem::path write_report(const std::vector<LoadedStudy>& studies, const std::filesystem::path& out);

}  // namespace notnot
