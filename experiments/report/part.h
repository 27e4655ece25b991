#pragma once
// A part of the page: a test of the paper, or another view of the runs. A new part is one file that defines it and one
// line in page.cpp.
#include <vector>

#include "experiments/report/exhibits.h"
#include "experiments/report/findings.h"
#include "experiments/report/loaded_study.h"
#include "experiments/report/section.h"

namespace notnot {

struct Part {
  /// Writes the tables and figures of the section through `exhibits`.
  Section (*section)(const LoadedStudy& study, const Exhibits& exhibits) = nullptr;
  /// The paper's findings that this part can check.
  std::vector<Finding (*)(const LoadedStudy& study)> findings = {};
};

}  // namespace notnot
