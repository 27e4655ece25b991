#pragma once
// The paper's fourth test (section 4, Table 4; Figure 5 in frontier.h): can a model predict as the base model does
// while its attention lies elsewhere? JSD and TVD are means over the test texts; they measure the distance from the
// study's reference.
#include <vector>

#include "experiments/report/part.h"

namespace notnot {

Part adversaries_part();

/// An adversary's F1 counts as near the base model's if it is at most this much below it. The paper's largest shortfall
/// in Table 4 is 0.008. This number was fixed before anybody looked at a run.
inline constexpr double kNearF1 = 0.02;
/// Its predictions count as the base model's if their mean TVD (0.5 |change of p|) is below this. The paper's largest
/// in Table 4 is 0.036.
inline constexpr double kNearTvd = 0.04;

/// The adversaries of the reference that have the seed of the reference, in the order of lambda. If all of them have
/// other seeds (--adversary-seed): those with the smallest one.
std::vector<const LoadedRun*> lambda_grid(const LoadedStudy& study);
/// Their seed; without adversaries, that of the reference.
uint64_t seed_of_grid(const LoadedStudy& study);
/// Among the adversaries of the grid with a JSD above kFarAttention, the one with the best F1, both on the development
/// split: a choice on the test split would flatter the numbers there. If two have the same F1, the one with the smaller
/// lambda. Null when none has such a JSD.
const LoadedRun* best_adversary(const LoadedStudy& study);
/// Whether the grid has larger lambdas than the default one, and others, of which none reached kFarAttention. Whether
/// the user asked for the larger ones or they were added is not recorded.
bool needs_larger_lambdas(const LoadedStudy& study);
/// The adversary of the grid with the largest JSD on the development split; null without adversaries.
const LoadedRun* most_distant_adversary(const LoadedStudy& study);
/// The adversary that the heat maps show: the best one; if there is none, the one with kGuideLambda; otherwise the most
/// distant one.
const LoadedRun* shown_adversary(const LoadedStudy& study);
/// The adversaries that differ from `adversary` in nothing but the base model that they attack: one per base model. The
/// adversary of the reference stands first.
std::vector<const LoadedRun*> repeats_of(const LoadedStudy& study, const LoadedRun& adversary);
/// The adversaries of the reference that have another seed than those of the grid.
std::vector<const LoadedRun*> adversaries_of_other_seeds(const LoadedStudy& study);

ResultTable best_adversary_table(const LoadedStudy& study);  ///< Table 4
ResultTable lambda_table(const LoadedStudy& study);
/// Each adversary of another seed beside the adversary of the base seed with the same lambda.
ResultTable adversary_seed_table(const LoadedStudy& study);

}  // namespace notnot
