#pragma once
// The paper's second test (section 3.3, Figure 3 a to d): how far does the attention move when only the seed changes?
#include <optional>

#include "experiments/report/part.h"

namespace notnot {

Part seeds_part();

/// Figure 3 a to d. The paper's caption and its released code draw two different figures.
enum class Figure3 : uint8_t {
  released,  ///< the median JSD of a text over the base models of the other seeds, by the class that the base predicts
  captioned  ///< the largest JSD of a text over them, by the text's label
};
/// Nothing without base models of other seeds.
std::optional<ViolinFigure> seed_violins(const LoadedStudy& study, Figure3 form);
ResultTable seed_table(const LoadedStudy& study);
/// The mean JSD of each base model from all others: how much rests on the choice of the one that all are compared with.
/// No rows for fewer than three base models.
ResultTable seed_pairs_table(const LoadedStudy& study);

}  // namespace notnot
