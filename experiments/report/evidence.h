#pragma once
// On the planted corpus, where the right explanation is known: how much attention lies on the words that decide the label?
#include <optional>

#include "experiments/report/part.h"

namespace notnot {

Part evidence_part();

/// Nothing on other data.
std::optional<EvidenceFigure> evidence_figure(const LoadedStudy& study);
ResultTable evidence_table(const LoadedStudy& study);

}  // namespace notnot
