#pragma once
// The comparison with Jain & Wallace (2019), the paper's Figure 3 e and f: permuted attention, and an adversary for
// each single text (the per-instance adversary).
#include <optional>

#include "experiments/report/part.h"

namespace notnot {

Part perturbation_part();

/// The JSD of the per-instance adversary (Figure 3 e and f). Nothing without a perturbation of the reference.
std::optional<ViolinFigure> per_instance_violins(const LoadedStudy& study);
/// The same of the exact adversary that may change p as much. Nothing without exact_optimum (exclusivity.h).
std::optional<ViolinFigure> exact_violins(const LoadedStudy& study);
/// The median change of the prediction under permutations of the attention, in the form of Figure 3. Nothing without a
/// perturbation of the reference.
std::optional<ViolinFigure> permutation_violins(const LoadedStudy& study);
/// The means of all three by predicted class.
ResultTable perturbation_table(const LoadedStudy& study);

}  // namespace notnot
