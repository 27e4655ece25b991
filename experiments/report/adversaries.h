#pragma once
// From the runs of a study to Table 4, Figures 3 and 5 and the comparison with Jain & Wallace (2019). JSD and TVD are
// means over the test texts, from the study's reference.
#include <optional>
#include <vector>

#include "experiments/figures/figures.h"
#include "experiments/report/tables.h"

namespace notnot {

/// The adversaries of the reference with the base seed, by lambda.
std::vector<const LoadedRun*> lambda_grid(const LoadedStudy& study);
/// The best F1 among those of the grid whose JSD is above kFarAttention, the smaller lambda where two are equal; null
/// when none is.
const LoadedRun* best_adversary(const LoadedStudy& study);
/// Whether there are larger lambdas than the default grid's because none of that reached kFarAttention.
bool grid_was_extended(const LoadedStudy& study);
/// The one with the largest JSD; null without adversaries.
const LoadedRun* most_distant_adversary(const LoadedStudy& study);
/// The one that the heat maps show: the best, else that of kGuideLambda, else the most distant.
const LoadedRun* shown_adversary(const LoadedStudy& study);
/// The adversaries with the lambda of `adversary` that have the seed of the base model they attack, one per base model;
/// that of the reference first.
std::vector<const LoadedRun*> repeats_of(const LoadedStudy& study, const LoadedRun& adversary);
/// The adversaries of the reference with another seed than its own.
std::vector<const LoadedRun*> adversaries_of_other_seeds(const LoadedStudy& study);

/// Null without one.
const LoadedRun* perturbation_of_reference(const LoadedStudy& study);

ResultTable best_adversary_table(const LoadedStudy& study);  ///< Table 4
ResultTable lambda_table(const LoadedStudy& study);
/// Each adversary of another seed beside the one of the base seed with the same lambda.
ResultTable adversary_seed_table(const LoadedStudy& study);

/// Figure 3 a to d: the median over the other seeds' base models; nothing without them.
std::optional<ViolinFigure> seed_violins(const LoadedStudy& study);
/// Figure 3 e and f; nothing without a perturbation of the reference.
std::optional<ViolinFigure> per_instance_violins(const LoadedStudy& study);
/// Median change of the prediction under permutations of the attention, in the same form.
std::optional<ViolinFigure> permutation_violins(const LoadedStudy& study);
/// Their means by predicted class.
ResultTable perturbation_table(const LoadedStudy& study);
ResultTable seed_table(const LoadedStudy& study);

/// Figure 5; of the texts that the reference predicts to be of class `predicted`, or of all. Nothing when there is
/// nothing to draw.
std::optional<FrontierFigure> frontier(const LoadedStudy& study, std::optional<int32_t> predicted = std::nullopt);
/// On the planted corpus.
std::optional<EvidenceFigure> evidence_figure(const LoadedStudy& study);

}  // namespace notnot
