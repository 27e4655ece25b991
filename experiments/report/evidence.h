#pragma once
// The built-in planted corpus, whose evidence words decide the label, so that the right explanation is known: how much
// attention lies on the evidence?
#include <optional>

#include "experiments/report/part.h"

namespace notnot {

Part evidence_part();

/// F1 and the share of the attention on evidence, a point per model. Nothing on other data.
std::optional<EvidenceFigure> evidence_figure(const LoadedStudy& study);
ResultTable evidence_table(const LoadedStudy& study);

}  // namespace notnot
