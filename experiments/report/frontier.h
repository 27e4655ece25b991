#pragma once
// Figure 5 of the paper: how far adversaries move the predictions (TVD) when they move the attention (JSD), as lambda
// grows; and what the paper reads off it (section 4).
#include <optional>
#include <string>

#include "experiments/figures/figures.h"
#include "experiments/report/exhibits.h"
#include "experiments/report/findings.h"

namespace notnot {

/// Figure 5 for the texts for which the reference predicts the class `predicted`, or for all texts. Nothing when there
/// is nothing to draw.
std::optional<FrontierFigure> frontier(const LoadedStudy& study, std::optional<int32_t> predicted = std::nullopt);
/// The figure for all texts and for either class; empty when there is nothing to draw.
std::string frontier_html(const LoadedStudy& study, const Exhibits& exhibits);

// The findings are about every base model that has adversaries with at least three lambdas; each counts as a seed.

/// The per-instance adversary lies below the curve: the curve's TVD at its JSD is higher than its own. If the curve
/// ends before that JSD, its end counts, which is lower and so against the claim.
Finding plus_below_curve(const LoadedStudy& study);
/// The curve is convex: between its ends it lies below its chord.
Finding curve_is_convex(const LoadedStudy& study);

/// A point of the curve.
struct CurvePoint {
  double jsd = 0, tvd = 0;
};
/// The curve's TVD at `jsd`, linear between its points; beyond an end, that of the end. The points are in any order, at
/// least one.
double tvd_at(std::vector<CurvePoint> curve, double jsd);
/// The mean height of the chord from the curve's first point to its last one above the curve, over their JSD: positive
/// for a convex curve. NaN if all points have one JSD.
double height_of_chord(std::vector<CurvePoint> curve);

}  // namespace notnot
