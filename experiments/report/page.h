#pragma once
// The report's page: its parts in their order, the header and the table of contents. A new part of the report is one
// line in page.cpp.
#include <filesystem>
#include <string>
#include <vector>

#include "experiments/report/exhibits.h"
#include "experiments/report/findings.h"
#include "experiments/report/loaded_study.h"

namespace notnot {

/// The findings of one report, judged together.
struct JudgedFindings {
  /// For every study the same findings, in the paper's order; none for a study without a finished run.
  std::vector<std::vector<Finding>> of_study;
  size_t tests = 0;  ///< the number of tests behind the verdicts
};
JudgedFindings findings(const std::vector<LoadedStudy>& studies);

/// The whole page, with a banner if a study is confidential. Adds its tables and figures through `exhibits`.
std::string report_page(const std::vector<LoadedStudy>& studies, const Exhibits& exhibits);

/// Makes the whole report, then writes it and returns the path of the page, as ReportFolder::write does. Throws
/// InputError as that does.
std::filesystem::path write_report(const std::vector<LoadedStudy>& studies, ReportFolder& folder);

}  // namespace notnot
