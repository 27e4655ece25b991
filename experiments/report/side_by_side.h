#pragma once
// Adversaries side by side: the paper closes section 4 with single adversaries. How many different ones does a base
// model have? Groups that were trained to be far from the base model and from each other give a lower bound.
#include <vector>

#include "experiments/report/part.h"

namespace notnot {

Part side_by_side_part();

/// The adversaries of one group, in the order of their numbers, and how far they are apart.
struct AdversaryGroup {
  std::vector<const LoadedRun*> members;
  /// [members][members] The mean over the test texts of the JSD between two members' attention; 0 on the diagonal.
  std::vector<std::vector<double>> jsd;

  /// The mean of a member's JSD from the others.
  double from_others(size_t member) const;
};

/// The groups of the study whose runs are all there, in the order of their runs. Throws InputError when the runs of a
/// group are not of one training, as then their distances are not those that were trained.
std::vector<AdversaryGroup> adversary_groups_side_by_side(const LoadedStudy& study);

/// How many adversaries of the group exist at once: the most members of which each has a mean TVD below `tvd` and a
/// mean JSD of at least `jsd` from the base model, and each two have a mean JSD of at least `jsd` from each other.
/// Tries all sets of members.
int32_t most_adversaries(const AdversaryGroup& group, double tvd, double jsd);

ResultTable group_table(const LoadedStudy& study, const AdversaryGroup& group, size_t number);  ///< a row per member
ResultTable group_distance_table(const LoadedStudy& study, const AdversaryGroup& group, size_t number);
/// A row per group and bound of TVD, a column per bound of JSD.
ResultTable adversary_count_table(const LoadedStudy& study, const std::vector<AdversaryGroup>& groups);

}  // namespace notnot
