#include "experiments/report/frontier.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>

#include "experiments/format/html.h"
#include "experiments/report/adversaries.h"
#include "experiments/report/by_class.h"
#include "experiments/report/comparisons.h"
#include "experiments/report/definitions.h"
#include "experiments/report/measures.h"

namespace notnot {
namespace {

std::string lambda_of(const LoadedRun& run) { return fmt::format("{}", run.spec().lambda); }

void add_points(const LoadedStudy& study, const std::vector<const LoadedRun*>& runs, std::optional<int32_t> label,
                const std::function<std::string(const LoadedRun&)>& name, std::vector<FigurePoint>& points) {
  for (const LoadedRun* run : runs) {
    FigurePoint point;
    point.label = name(*run);
    // Rounding may lift the mean above ln 2, where the axis ends.
    point.x = std::min(mean_over_texts(study, run->from_reference.jsd, label), std::numbers::ln2);
    point.y = mean_over_texts(study, run->from_reference.tvd, label);
    points.push_back(std::move(point));
  }
}

/// The exact adversaries of the reference, a point for each change that is allowed.
void add_exact(const LoadedStudy& study, std::optional<int32_t> label, std::vector<FigurePoint>& points) {
  const LoadedRun* run = study.perturbation_of_reference();
  if (run == nullptr) return;
  for (const ExactAttack& attack : run->exact) {
    points.push_back({.label = fmt::format("\u03b5 {}", attack.epsilon),
                      .x = std::min(mean_over_texts(study, attack.jsd, label), std::numbers::ln2),
                      .y = mean_over_texts(study, attack.tvd, label)});
  }
}

std::string exact_caption(const FrontierFigure& figure) {
  if (figure.exact.empty()) return "";
  return fmt::format(
      " Diamonds: the {}, for each change &epsilon; of p that a text is allowed. Its TVD is the mean of the changes "
      "that "
      "the optima make; a text whose largest JSD needs less than &epsilon; makes less. With the base model&#39;s "
      "hidden "
      "states, no attention that keeps every text within &epsilon; lies farther to the right; a trained adversary has "
      "hidden states of its own.",
      defined("exact adversary"));
}

std::string frontier_caption(const LoadedStudy& study, const std::string& texts) {
  return fmt::format(
      "The mean distance of a model from the base model, over {}: to the right in attention (JSD), upwards in "
      "predictions (TVD, {}|&Delta;p|). Dotted line: trained adversaries (seed {}) as lambda grows; triangles: base "
      "models with other seeds; square: the uniform model; plus: the {}.",
      texts, tvd_factor_in_words(study.tvd_factor), seed_of_grid(study), defined("per-instance adversary"));
}

// --- the findings ----------------------------------------------------------------------------------------------------

/// A base model with its adversaries, one per lambda, and its per-instance adversary, which may be null.
struct Grid {
  std::vector<const LoadedRun*> adversaries;
  const LoadedRun* per_instance = nullptr;
};

/// The grids with at least three lambdas. Of adversaries with one lambda, the first counts.
std::vector<Grid> grids(const LoadedStudy& study) {
  std::vector<Grid> result;
  for (const LoadedRun* base : study.of_kind(RunKind::base)) {
    Grid grid;
    for (const LoadedRun* run : study.of_kind(RunKind::adversary)) {
      const bool is_new = std::none_of(grid.adversaries.begin(), grid.adversaries.end(),
                                       [&](const auto* other) { return other->spec().lambda == run->spec().lambda; });
      if (study.other_of(*run) == base && is_new) grid.adversaries.push_back(run);
    }
    for (const LoadedRun* run : study.of_kind(RunKind::perturbation)) {
      if (study.other_of(*run) == base) grid.per_instance = run;
    }
    if (grid.adversaries.size() >= 3) result.push_back(std::move(grid));
  }
  return result;
}

CurvePoint point_of(const LoadedRun& run, std::span<const int32_t> times) {
  return {resampled_mean(run.from_attacked.jsd, times), resampled_mean(run.from_attacked.tvd, times)};
}

std::vector<CurvePoint> curve_of(const Grid& grid, std::span<const int32_t> times) {
  std::vector<CurvePoint> curve;
  curve.reserve(grid.adversaries.size());
  for (const LoadedRun* run : grid.adversaries) curve.push_back(point_of(*run, times));
  return curve;
}

void sort_by_jsd(std::vector<CurvePoint>& curve) {
  std::sort(curve.begin(), curve.end(), [](const CurvePoint& a, const CurvePoint& b) { return a.jsd < b.jsd; });
}

/// The mean JSD of the nearest and of the farthest adversary, and of the per-instance adversary.
struct CurveReach {
  double first, last, plus;
};
CurveReach reach_of(const Grid& grid, std::span<const int32_t> times) {
  std::vector<CurvePoint> curve = curve_of(grid, times);
  sort_by_jsd(curve);
  return {curve.front().jsd, curve.back().jsd, point_of(*grid.per_instance, times).jsd};
}

constexpr const char* kMoreGrids =
    "`notnot adversary --seed` with a seed of its own trains the adversaries of another base model";

/// Why the curves are not those of the paper: adversaries that were stopped before its limit of epochs, and would have
/// gone on. Empty if there are none.
std::string unfinished_curve(const std::vector<Grid>& grids) {
  int32_t all = 0, stopped = 0;
  for (const Grid& grid : grids) {
    for (const LoadedRun* run : grid.adversaries) {
      ++all;
      stopped += run->cut_off() && run->epochs_trained < kPaperAdversaryEpochs ? 1 : 0;
    }
  }
  if (stopped == 0) return "";
  return fmt::format(
      "{} of {} adversaries were stopped after fewer than the paper's {} epochs; train longer "
      "(`--adversary-epochs`)",
      stopped, all, kPaperAdversaryEpochs);
}

}  // namespace

std::optional<FrontierFigure> frontier(const LoadedStudy& study, std::optional<int32_t> predicted) {
  FrontierFigure figure;
  const auto seed = [](const LoadedRun& run) { return fmt::format("{}", run.spec().seed); };
  add_points(study, lambda_grid(study), predicted, lambda_of, figure.adversaries);
  add_points(study, study.other_base_models(), predicted, seed, figure.seeds);
  std::vector<const LoadedRun*> uniform, per_instance;
  if (const LoadedRun* run = study.find(RunKind::uniform, study.reference_run().spec().seed)) uniform.push_back(run);
  if (const LoadedRun* run = study.perturbation_of_reference()) per_instance.push_back(run);
  add_points(study, uniform, predicted, seed, figure.uniform);
  add_points(study, per_instance, predicted, seed, figure.per_instance);
  add_exact(study, predicted, figure.exact);
  std::vector<FigurePoint> all;
  for (const auto* points :
       {&figure.adversaries, &figure.seeds, &figure.uniform, &figure.per_instance, &figure.exact}) {
    all.insert(all.end(), points->begin(), points->end());
  }
  const bool no_texts = !all.empty() && std::isnan(all.front().x);
  if (!study.has_base() || figure.adversaries.empty() || no_texts) return std::nullopt;
  return figure;
}

std::string frontier_html(const LoadedStudy& study, const Exhibits& exhibits) {
  const auto whole = frontier(study);
  if (!whole) return "";
  const std::string alt =
      "Mean TVD against mean JSD from the base model: adversaries by lambda, seeds, uniform, per-instance and exact "
      "adversaries";
  std::string html = "<h4>The price of distance (Figure 5)</h4>\n";
  html += exhibits.figure(*whole, study.key + "-figure5",
                          frontier_caption(study, "all test texts") + exact_caption(*whole), alt + ".");
  html += "<div class=\"pair\">\n";
  for (const int32_t label : {0, 1}) {
    const auto of_class = frontier(study, label);
    if (!of_class) continue;
    const std::string name = study.classes().at(label);
    html += exhibits.figure(*of_class, fmt::format("{}-figure5-class{}", study.key, label),
                            fmt::format("The same for the texts predicted {}.", escape(name)),
                            fmt::format("{}; texts predicted {}.", alt, name));
  }
  return html + "</div>\n";
}

Finding plus_below_curve(const LoadedStudy& study) {
  Finding finding{.title = "The per-instance adversary exaggerates",
                  .claim = no_claim_in_words(study),
                  .of_paper = has_further_claims(study)};
  finding.more_seeds = kMoreGrids;
  if (finding.of_paper) {
    finding.claim =
        "At the distance in attention (JSD) that Jain and Wallace's adversary of each text reaches, trained "
        "adversaries "
        "change the predictions (TVD) more: the plus lies below the curve (section 4, Figure 5).";
  }
  std::vector<ResampledMeasure> heights;
  std::vector<Grid> used;
  const std::vector<int32_t> once(study.label.size(), 1);
  for (const Grid& grid : grids(study)) {
    if (grid.per_instance == nullptr) continue;
    used.push_back(grid);
    const CurveReach reach = reach_of(grid, once);
    if (reach.plus < reach.first) finding.obstacle = "the plus lies nearer to the base model than the whole curve";
    if (reach.plus > reach.last) {
      finding.doubt = "the curve ends before the plus; larger lambdas (`--lambdas`) may reach it";
      finding.remark += fmt::format(
          "{}Of seed {} the curve ends at a JSD of {}, before the plus at {}: its end stands for "
          "what lies beyond, which is too low if the curve rises.",
          finding.remark.empty() ? "" : " ", grid.adversaries.front()->spec().seed, three_decimals(reach.last),
          three_decimals(reach.plus));
    }
    heights.push_back([grid](std::span<const int32_t> times) {
      const CurvePoint plus = point_of(*grid.per_instance, times);
      return tvd_at(curve_of(grid, times), plus.jsd) - plus.tvd;
    });
  }
  if (heights.empty()) {
    finding.obstacle =
        "no base model has adversaries with three lambdas and the per-instance adversary; `notnot "
        "adversary` trains them";
    return finding;
  }
  if (finding.obstacle.empty()) finding.obstacle = unfinished_curve(used);
  finding.tests = {above_zero("TVD of the curve minus that of the plus", over_seeds(study, heights))};
  return finding;
}

Finding curve_is_convex(const LoadedStudy& study) {
  // The paper sees a convex shape in most curves, and SST as the outlier.
  const bool of_paper = has_further_claims(study) && study.corpus() != "sst";
  Finding finding{.title = "The curve is convex", .claim = no_claim_in_words(study), .of_paper = of_paper};
  finding.more_seeds = kMoreGrids;
  if (of_paper) {
    finding.claim =
        "The curve of trained adversaries is convex: attention can be moved some way at little cost in the "
        "predictions, "
        "so it is easily manipulated (section 4, Figure 5, of \u201cmost curves\u201d).";
  } else if (has_further_claims(study)) {
    finding.claim = "The paper calls most curves convex, and this data set an outlier.";
  }
  std::vector<ResampledMeasure> heights;
  for (const Grid& grid : grids(study)) {
    heights.push_back([grid](std::span<const int32_t> times) { return height_of_chord(curve_of(grid, times)); });
  }
  if (heights.empty()) {
    finding.obstacle = "no base model has adversaries with three lambdas; `notnot adversary` trains them";
    return finding;
  }
  finding.obstacle = unfinished_curve(grids(study));
  finding.tests = {above_zero("TVD of the chord minus that of the curve", over_seeds(study, heights))};
  return finding;
}

double tvd_at(std::vector<CurvePoint> curve, double jsd) {
  sort_by_jsd(curve);
  const auto after =
      std::find_if(curve.begin(), curve.end(), [&](const CurvePoint& point) { return point.jsd >= jsd; });
  if (after == curve.end()) return curve.back().tvd;
  if (after == curve.begin()) return curve.front().tvd;
  const CurvePoint& before = *(after - 1);
  return std::lerp(before.tvd, after->tvd, (jsd - before.jsd) / (after->jsd - before.jsd));
}

double height_of_chord(std::vector<CurvePoint> curve) {
  sort_by_jsd(curve);
  const double width = curve.back().jsd - curve.front().jsd;
  if (!(width > 0)) return std::numeric_limits<double>::quiet_NaN();
  double area = 0;  // below the curve
  for (size_t i = 1; i < curve.size(); ++i) {
    area += (curve[i].jsd - curve[i - 1].jsd) * (curve[i].tvd + curve[i - 1].tvd) / 2;
  }
  return (curve.front().tvd + curve.back().tvd) / 2 - area / width;
}

}  // namespace notnot
