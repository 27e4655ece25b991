#pragma once
// What a report cannot show: the box at the top of each chapter, made from its runs.
#include <string>
#include <vector>

#include "experiments/report/findings.h"

namespace notnot {

/// Sentences of plain text. The first ones follow from the runs of the study, at least one of which is finished, and
/// from its judged findings; the last ones are limits of the method.
std::vector<std::string> limits(const LoadedStudy& study, const std::vector<Finding>& findings);

/// The box, as HTML.
std::string limits_html(const LoadedStudy& study, const std::vector<Finding>& findings);

}  // namespace notnot
