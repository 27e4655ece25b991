#pragma once
// The tables of a study that need nothing of the adversaries: the paper's Tables 1 to 3, and the runs.
#include <string>
#include <vector>

#include "experiments/format/result_table.h"
#include "experiments/report/model_groups.h"

namespace notnot {

/// Under what the study's numbers came about, for the note of every table: the protocol, the data, the vectors.
std::string conditions(const LoadedStudy& study);
/// Whether the test split has as many texts of each class as the paper's; true where it has none.
bool is_papers_test_split(const LoadedStudy& study);
/// "10", or "10, 2 and 50".
std::string seeds_of(const std::vector<const LoadedRun*>& runs);

ResultTable data_table(const LoadedStudy& study);       ///< Table 1
ResultTable attention_table(const LoadedStudy& study);  ///< Table 2
ResultTable guide_table(const LoadedStudy& study);      ///< Table 3
ResultTable comparison_table(const LoadedStudy& study, const std::string& name, const std::string& caption,
                             const std::vector<F1Comparison>& comparisons);
/// A row per finished run, and per run that cannot be used, with the reason.
ResultTable run_table(const LoadedStudy& study);
ResultTable unused_table(const LoadedStudy& study);
/// On the planted corpus: the share of the attention on evidence, beside F1.
ResultTable evidence_table(const LoadedStudy& study);

}  // namespace notnot
