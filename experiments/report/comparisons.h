#pragma once
// Differences between two groups of runs, and means over texts, as estimates that know of seeds and of texts
// (engine/math/uncertain_mean.h).
#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/math/crossed_bootstrap.h"
#include "engine/math/uncertain_mean.h"
#include "experiments/report/by_class.h"
#include "experiments/report/model_groups.h"

namespace notnot {

/// With fewer seeds there is no interval and no verdict: nine base models of SST that differ in nothing but their seed
/// gave 14 false verdicts in 36 pairs when one seed was enough.
inline constexpr size_t kSeedsForVerdict = 3;
/// With fewer groups of texts that belong together there is no verdict either: simulated, intervals from 10 groups miss
/// as rarely as those from many, from 5 they miss too often. Counted by effective_number.
inline constexpr double kGroupsForVerdict = 10;
bool has_few_groups(const LoadedStudy& study);
/// Whether p values and verdicts of so many seeds can be given.
bool can_be_told(const LoadedStudy& study, size_t seeds);

/// Model a minus model b: over pairs of runs, on the same texts.
struct Comparison {
  std::string a, b;
  UncertainMean f1;                      ///< a pair counts as a seed
  std::optional<UncertainMean> roc_auc;  ///< nothing where it is undefined for a run

  std::string name() const { return a + " minus " + b; }
};
/// The runs of each pair: one of model a, and the one of model b that it is compared with. At least one pair.
using RunPairs = std::vector<std::pair<const LoadedRun*, const LoadedRun*>>;
Comparison compare(const LoadedStudy& study, std::string a, std::string b, const RunPairs& pairs);
/// The runs of each seed that both groups have. Nothing when they have none in common.
std::optional<Comparison> compare(const LoadedStudy& study, const ModelGroup& a, const ModelGroup& b);
/// Compares each group with the group before it: the later one minus the earlier one. Of the adversaries with one
/// lambda, only default_adversary is compared; MLPs that attributions guide are not, as they have no order.
std::vector<Comparison> compare_neighbours(const LoadedStudy& study, const std::vector<ModelGroup>& groups);

/// A measure of one seed on texts of which text i counts times[i] times. Must not throw.
using ResampledMeasure = std::function<double(std::span<const int32_t> times)>;
/// The mean of the measures, at least one, with its variances.
UncertainMean over_seeds(const LoadedStudy& study, const std::vector<ResampledMeasure>& of_seeds);
/// The mean of `values` [texts] over the texts for which `counts` is true, or over all; NaN if none is drawn.
double resampled_mean(const TextValues& values, std::span<const int32_t> times, const std::vector<bool>& counts = {});
/// The mean of `table` [seeds, texts], one seed or more, with the groups of the study's texts drawn together. With
/// fewer than kSeedsForVerdict seeds it is that of their mean on each text: only the texts vary.
CrossedBootstrap crossed_mean(const LoadedStudy& study, std::span<const double> table, size_t seeds);
/// For the note of a table of such means, whose rows are of so many seeds: what the intervals know of,
/// "Intervals: 95 %, over ... ".
std::string crossed_intervals_in_words(const LoadedStudy& study, size_t fewest_seeds, size_t most_seeds);
/// The same, of rows that have `seeds`.
template <class Row>
std::string crossed_intervals_in_words(const LoadedStudy& study, const std::vector<Row>& rows) {
  size_t fewest = std::numeric_limits<size_t>::max(), most = 0;
  for (const Row& row : rows) {
    fewest = std::min(fewest, row.seeds.size());
    most = std::max(most, row.seeds.size());
  }
  return crossed_intervals_in_words(study, fewest, most);
}
/// The mean over all texts of each seed's values.
UncertainMean mean_over_seeds(const LoadedStudy& study, const std::vector<TextValues>& of_seeds);

}  // namespace notnot
