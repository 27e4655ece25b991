#pragma once
// `notnot report`: finished runs on one data set, as a table for the terminal and as one HTML page.
#include <filesystem>
#include <string>
#include <vector>

#include "experiments/reported_run.h"

namespace notnot {

/// F1, ROC-AUC and accuracy on the test split, beside the paper's F1 ("-" where it has none): a line per run.
std::string summary_table(const std::vector<ReportedRun>& runs);

/// The whole page: a section per function of report_page.cpp, the heat maps last.
std::string report_page(const std::vector<ReportedRun>& runs);

/// Writes `out`/index.html, atomically, and returns its path. Creates `out`; throws InputError when it cannot be
/// written.
std::filesystem::path write_report(const std::vector<ReportedRun>& runs, const std::filesystem::path& out);

/// Number with three decimals; "-" for NaN, which stands for an undefined measure.
std::string measure(double value);

/// Mean share of the attention on the planted corpus's evidence words over the test split.
double mean_evidence_mass(const ReportedRun& run);

}  // namespace notnot
