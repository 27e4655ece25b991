#pragma once
// The comparison with Jain & Wallace (2019), Figure 3 e and f: permuted attention, and an adversary for each single text.
#include <optional>

#include "experiments/report/part.h"

namespace notnot {

Part perturbation_part();

/// Figure 3 e and f; nothing without a perturbation of the reference.
std::optional<ViolinFigure> per_instance_violins(const LoadedStudy& study);
/// The median change of the prediction under permutations of the attention, in the form of Figure 3.
std::optional<ViolinFigure> permutation_violins(const LoadedStudy& study);
/// Their means by predicted class.
ResultTable perturbation_table(const LoadedStudy& study);

}  // namespace notnot
