#include "experiments/report/exclusivity.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/math/metrics.h"
#include "engine/math/statistics.h"
#include "engine/math/student_t.h"
#include "experiments/format/html.h"
#include "experiments/report/by_class.h"
#include "experiments/report/comparisons.h"
#include "experiments/report/definitions.h"
#include "experiments/report/measures.h"

namespace notnot {
namespace {

/// The perturbations of base models that have exact adversaries for the same changes as the first one, which is that of
/// the reference where it has some.
std::vector<const LoadedRun*> exact_runs(const LoadedStudy& study) {
  std::vector<const LoadedRun*> runs;
  const auto epsilons = [](const LoadedRun& run) {
    std::vector<double> result;
    for (const ExactAttack& attack : run.exact) result.push_back(attack.epsilon);
    return result;
  };
  const auto add = [&](const LoadedRun* run) {
    if (run == nullptr || run->exact.empty() || std::find(runs.begin(), runs.end(), run) != runs.end()) return;
    if (runs.empty() || epsilons(*run) == epsilons(*runs.front())) runs.push_back(run);
  };
  add(study.perturbation_of_reference());
  for (const LoadedRun* run : study.of_kind(RunKind::perturbation)) add(run);
  return runs;
}

/// [texts] whether the text counts.
std::vector<bool> counted(const LoadedStudy& study, std::optional<int32_t> predicted) {
  std::vector<bool> result;
  for (const float probability : study.reference_run().probability) {
    result.push_back(!predicted || predicted_class(probability) == *predicted);
  }
  return result;
}

/// Of a mean over so few seeds that only the texts can vary.
Interval interval_over_texts(const UncertainMean& mean) {
  const double half = student_t_quantile(0.975, mean.clusters - 1) * std::sqrt(mean.texts_variance);
  return {mean.value() - half, mean.value() + half};
}

/// Over the texts that count, for the exact adversaries of this number.
ExclusivityPoint point_of(const LoadedStudy& study, const std::vector<const LoadedRun*>& runs, size_t number,
                          const std::vector<bool>& counts) {
  ExclusivityPoint point;
  point.epsilon = runs.front()->exact[number].epsilon;
  const auto texts = static_cast<size_t>(std::count(counts.begin(), counts.end(), true));
  if (texts == 0) return point;
  std::vector<ResampledMeasure> jsd;
  TextValues tvd, of_texts(counts.size(), 0);
  const std::vector<int32_t> once(counts.size(), 1);
  for (const LoadedRun* run : runs) {
    const ExactAttack& attack = run->exact[number];
    jsd.push_back([&](std::span<const int32_t> times) { return resampled_mean(attack.jsd, times, counts); });
    tvd.push_back(resampled_mean(attack.tvd, once, counts));
    for (size_t i = 0; i < counts.size(); ++i) of_texts[i] += attack.jsd[i] / static_cast<double>(runs.size());
  }
  const UncertainMean mean_jsd = over_seeds(study, jsd);
  point.jsd = mean_jsd.value();
  point.tvd = mean(tvd);
  point.interval = runs.size() < kSeedsForVerdict ? interval_over_texts(mean_jsd) : mean_jsd.interval(0.95);
  TextValues chosen;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i]) chosen.push_back(of_texts[i]);
  }
  for (const int k : {0, 1, 2}) point.quantiles[k] = quantile(chosen, 0.25 * (k + 1));
  return point;
}

std::string seeds_in_words(const LoadedStudy& study) {
  const size_t seeds = exact_runs(study).size();
  if (seeds == 1) return "One base model: intervals are over the texts alone, and say nothing about other seeds. ";
  return fmt::format("Means over {} base models: {} ", seeds,
                     seeds < kSeedsForVerdict
                         ? "too few for an interval over seeds, so that the intervals are over the texts alone."
                         : "intervals are over seeds and texts.");
}

std::vector<FigurePoint> figure_points(const std::vector<ExclusivityPoint>& curve) {
  std::vector<FigurePoint> points;
  for (const ExclusivityPoint& point : curve) {
    if (std::isnan(point.jsd)) continue;
    points.push_back(
        {.label = "", .x = point.epsilon, .y = point.jsd, .y_error = (point.interval.high - point.interval.low) / 2});
  }
  return points;
}

std::string reading(const LoadedStudy& study) {
  const std::vector<ExclusivityPoint> curve = exclusivity_curve(study);
  const auto of_point = [](const ExclusivityPoint& point) {
    return fmt::format("{} (95% interval {} to {}) for {}", three_decimals(point.jsd),
                       three_decimals(point.interval.low), three_decimals(point.interval.high), point.epsilon);
  };
  return fmt::format(
      "<p>How much other attention gives the same prediction? The {} lets each text&#39;s probability change by at "
      "most "
      "&epsilon; and takes the attention that is then farthest from the model&#39;s. Its mean {} is {} and {}; at "
      "0.693 "
      "the two would share no word. With the hidden states and the output layer frozen no method can pass this limit. "
      "It "
      "is not a model that somebody trained.</p>\n",
      defined("exact adversary"), defined("JSD"), of_point(curve.front()), of_point(curve.back()));
}

/// What to do where the runs have no exact adversaries.
std::string missing_html(const LoadedRun& run) {
  return fmt::format(
      "<p class=\"muted\">The perturbation of the base model is of an earlier version, which did not compute the exact "
      "adversaries. Remove the folder <code>{}</code> and start the command that made it once more: it makes that run "
      "alone again.</p>\n",
      escape(run.name()));
}

Section exclusivity_section(const LoadedStudy& study, const Exhibits& exhibits) {
  Section section{study.key + "-exclusivity", "How free attention is (exact adversaries)", ""};
  const auto figure = exclusivity_figure(study);
  if (!figure) {
    const LoadedRun* run = study.perturbation_of_reference();
    if (run != nullptr) section.html = missing_html(*run);
    return section;
  }
  section.html =
      reading(study) +
      exhibits.figure(
          *figure, study.key + "-exclusivity",
          fmt::format(
              "The {}: the mean {} of the {}, for each change of p that is allowed, with intervals of "
              "95%. {}Dotted line across: ln 2, the largest JSD there is; an interval may reach beyond it.{}",
              defined("exclusivity curve"), defined("JSD"), defined("exact adversary"), escape(seeds_in_words(study)),
              figure->searched.empty()
                  ? ""
                  : fmt::format(" Plus: what the search of the {} reaches.", defined("per-instance adversary"))),
          "Mean JSD of the exact adversary against the allowed change of the prediction, for all texts and "
          "by predicted class.") +
      exhibits.table(exclusivity_table(study));
  return section;
}

}  // namespace

Part exclusivity_part() { return {.section = exclusivity_section}; }

std::vector<ExclusivityPoint> exclusivity_curve(const LoadedStudy& study, std::optional<int32_t> predicted) {
  std::vector<ExclusivityPoint> curve;
  const std::vector<const LoadedRun*> runs = exact_runs(study);
  if (runs.empty()) return curve;
  const std::vector<bool> counts = counted(study, predicted);
  for (size_t number = 0; number < runs.front()->exact.size(); ++number) {
    curve.push_back(point_of(study, runs, number, counts));
  }
  return curve;
}

std::optional<ExclusivityFigure> exclusivity_figure(const LoadedStudy& study) {
  ExclusivityFigure figure;
  figure.all = figure_points(exclusivity_curve(study));
  if (figure.all.empty()) return std::nullopt;
  for (const int32_t label : {0, 1}) {
    figure.classes.at(label) = "predicted " + study.classes().at(label);
    figure.of_class.at(label) = figure_points(exclusivity_curve(study, label));
  }
  if (const auto score = search_score(study)) {
    figure.searched.push_back({.label = "", .x = kSearchedChange, .y = score->searched});
  }
  return figure;
}

ResultTable exclusivity_table(const LoadedStudy& study) {
  ResultTable table{
      .name = study.key + "-exclusivity",
      .caption = fmt::format("The exclusivity curve of {}", study.title()),
      .note =
          "\u03b5: the most by which the probability of a text may change. JSD: of the exact adversary's attention "
          "from the base model's, in nats, at most 0.693; its mean, and quartiles over the texts. TVD: of the change "
          "that it makes, " +
          tvd_factor_in_words(study.tvd_factor) + "|\u0394p|. " + seeds_in_words(study) + conditions(study),
      .header = {"Texts", "\u03b5", "Mean JSD", "95% interval", "Lower quartile", "Median", "Upper quartile",
                 "Mean TVD"},
      .rows = {},
      .left = 1};
  for (const std::optional<int32_t> label : {std::optional<int32_t>(), std::optional(0), std::optional(1)}) {
    for (const ExclusivityPoint& point : exclusivity_curve(study, label)) {
      const bool none = std::isnan(point.jsd);
      const auto cell = [none](double value) { return none ? "-" : three_decimals(value); };
      table.rows.push_back(
          {label ? "predicted " + study.classes().at(*label) : "all", fmt::format("{}", point.epsilon), cell(point.jsd),
           none ? "-"
                : fmt::format("{} to {}", three_decimals(point.interval.low), three_decimals(point.interval.high)),
           cell(point.quantiles[0]), cell(point.quantiles[1]), cell(point.quantiles[2]),
           none ? "-" : fmt::format("{:.4f}", point.tvd)});
    }
  }
  return table;
}

const ExactAttack* exact_optimum(const LoadedStudy& study) {
  const LoadedRun* run = study.perturbation_of_reference();
  if (run == nullptr) return nullptr;
  const auto found = std::find_if(run->exact.begin(), run->exact.end(),
                                  [](const ExactAttack& attack) { return attack.epsilon == kSearchedChange; });
  return found == run->exact.end() ? nullptr : &*found;
}

std::optional<SearchScore> search_score(const LoadedStudy& study) {
  const ExactAttack* exact = exact_optimum(study);
  if (exact == nullptr) return std::nullopt;
  const TextValues& searched = study.perturbation_of_reference()->from_attacked.jsd;
  SearchScore score{.searched = mean(searched), .exact = mean(exact->jsd)};
  for (size_t i = 0; i < searched.size(); ++i) {
    const bool below = exact->jsd[i] > 0 && searched[i] <= 0.9 * exact->jsd[i];
    score.texts_below += (below ? 1.0 : 0.0) / static_cast<double>(searched.size());
  }
  return score;
}

}  // namespace notnot
