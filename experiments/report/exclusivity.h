#pragma once
// How free attention is: the exact adversary of each text (kernels/exact_adversary.h) for several allowed changes of its
// probability, beside Jain & Wallace's search for it (perturbation.h).
#include <optional>
#include <vector>

#include "experiments/report/part.h"

namespace notnot {

Part exclusivity_part();

/// The change of the probability that Jain & Wallace's adversary of a text may make.
inline constexpr double kSearchedChange = 0.05;

/// One point of the exclusivity curve: means over the test texts, and over the base models that have exact adversaries.
struct ExclusivityPoint {
  double epsilon = 0;      ///< the change of the probability that is allowed
  double jsd = kNoNumber;  ///< NaN without texts of the class
  double tvd = kNoNumber;  ///< of the change that is made
  Interval interval;  ///< of 95 %, of `jsd`: over seeds and texts, with fewer than kSeedsForVerdict seeds over texts
  double quantiles[3]{};  ///< at 0.25, 0.5 and 0.75 of the texts' JSD, each of them the mean over the seeds
};
/// In the order of epsilon, over the texts for which the reference predicts the class `predicted`, or over all. Empty
/// without exact adversaries.
std::vector<ExclusivityPoint> exclusivity_curve(const LoadedStudy& study,
                                                std::optional<int32_t> predicted = std::nullopt);
std::optional<ExclusivityFigure> exclusivity_figure(const LoadedStudy& study);
/// The curve over all texts and over those of each class, with quantiles.
ResultTable exclusivity_table(const LoadedStudy& study);

/// The exact adversaries of the reference for kSearchedChange; null without any.
const ExactAttack* exact_optimum(const LoadedStudy& study);

/// How far Jain & Wallace's search comes.
struct SearchScore {
  double searched = 0, exact = 0;  ///< mean JSD
  double texts_below = 0;          ///< share of the texts whose JSD is at most 0.9 of the exact one, which is above 0
};
/// On the reference; nothing without exact_optimum.
std::optional<SearchScore> search_score(const LoadedStudy& study);

}  // namespace notnot
