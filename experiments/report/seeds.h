#pragma once
// The paper's second test (section 3.3, Figure 3 a to d): how far does the attention move when only the seed changes?
#include <optional>

#include "experiments/report/part.h"

namespace notnot {

Part seeds_part();

/// Figure 3 a to d: for each text the median JSD over the base models of the other seeds. Nothing without such models.
std::optional<ViolinFigure> seed_violins(const LoadedStudy& study);
ResultTable seed_table(const LoadedStudy& study);

}  // namespace notnot
