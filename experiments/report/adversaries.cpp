#include "experiments/report/adversaries.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

namespace notnot {
namespace {

/// A value per test text.
using Values = std::vector<double>;

int32_t predicted(float probability) { return probability > 0.5F ? 1 : 0; }

/// The mean over the texts that the reference predicts to be of `label`, or over all; NaN without any.
double mean_of(const LoadedStudy& study, const Values& values, std::optional<int32_t> label = std::nullopt) {
  Values chosen;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!label || predicted(study.reference_run().probability[i]) == *label) chosen.push_back(values[i]);
  }
  return mean(chosen);
}

double mean_jsd(const LoadedRun& run) { return run.from_reference.mean_jsd(); }
double mean_tvd(const LoadedRun& run) { return run.from_reference.mean_tvd(); }

std::vector<const LoadedRun*> adversaries_of_reference(const LoadedStudy& study) {
  std::vector<const LoadedRun*> result;
  for (const LoadedRun* run : study.of_kind(RunKind::adversary)) {
    if (study.other_of(*run) == &study.reference_run()) result.push_back(run);
  }
  return result;
}

std::vector<const LoadedRun*> other_base_models(const LoadedStudy& study) {
  std::vector<const LoadedRun*> result;
  for (const LoadedRun* run : study.of_kind(RunKind::base)) {
    if (run != &study.reference_run()) result.push_back(run);
  }
  return result;
}

std::string lambda_of(const LoadedRun& run) { return fmt::format("{:g}", run.spec.lambda); }

// --- figures

ViolinFigure violins(const LoadedStudy& study, const std::string& x_label, double high, Values values) {
  ViolinFigure figure;
  figure.x_label = x_label;
  figure.high = high;
  figure.classes = study.classes();
  figure.divergence = std::move(values);
  for (double& value : figure.divergence) value = std::clamp(value, 0.0, high);  // f32 rounds ln 2 up
  figure.largest_attention.assign(study.largest_attention.begin(), study.largest_attention.end());
  for (const float probability : study.reference_run().probability) figure.predicted.push_back(predicted(probability));
  return figure;
}

/// Per text, the median over the runs.
Values median_jsd(const std::vector<const LoadedRun*>& runs) {
  Values result;
  for (size_t i = 0; i < runs.front()->from_reference.jsd.size(); ++i) {
    Values of_text;
    for (const LoadedRun* run : runs) of_text.push_back(run->from_reference.jsd[i]);
    result.push_back(median(of_text));
  }
  return result;
}

void add_points(const LoadedStudy& study, const std::vector<const LoadedRun*>& runs, std::optional<int32_t> label,
                const std::function<std::string(const LoadedRun&)>& name, std::vector<FigurePoint>& points) {
  for (const LoadedRun* run : runs) {
    FigurePoint point;
    point.label = name(*run);
    point.x = std::min(mean_of(study, run->from_reference.jsd, label), std::numbers::ln2);  // rounding of the mean
    point.y = mean_of(study, run->from_reference.tvd, label);
    points.push_back(std::move(point));
  }
}

// --- tables

std::vector<std::string> lambda_row(const LoadedRun& run) {
  return {lambda_of(run),
          three_decimals(run.test().f1),
          three_decimals(mean_tvd(run)),
          three_decimals(mean_jsd(run)),
          three_decimals(run.test().roc_auc),
          fmt::format("{} of {}", run.result.epoch, run.epochs_trained)};
}

std::vector<std::string> row_of_repeats(const std::vector<const LoadedRun*>& repeats) {
  Values f1, tvd, jsd;
  for (const LoadedRun* run : repeats) {
    f1.push_back(run->test().f1);
    tvd.push_back(run->from_attacked.mean_tvd());
    jsd.push_back(run->from_attacked.mean_jsd());
  }
  return {fmt::format("Mean over {} base models", repeats.size()), lambda_of(*repeats.front()), mean_and_spread(f1),
          mean_and_spread(tvd), mean_and_spread(jsd)};
}

std::string tvd_note(const LoadedStudy& study) {
  return fmt::format("TVD = {}|\u0394p|{}. ", study.tvd_factor == 1 ? "" : fmt::format("{:g} ", study.tvd_factor),
                     study.tvd_factor == kTvdSingle ? " as in the published numbers" : "");
}

std::string jsd_note(const LoadedStudy& study) {
  return fmt::format("JSD: natural log, at most 0.693, from the base model with seed {}. ",
                     study.reference_run().spec.seed);
}

/// For tables of adversaries.
std::string attack_note(const LoadedStudy& study) {
  std::string note = "Means over the test texts. " + tvd_note(study) + jsd_note(study) + conditions(study);
  const auto adversaries = study.of_kind(RunKind::adversary);
  if (!adversaries.empty())
    note += fmt::format(" Of adversaries: the best {}.", adversaries.front()->result.selected_on);
  return note;
}

std::vector<std::string> row_by_class(const LoadedStudy& study, const std::string& name, const Values& values) {
  return {name, three_decimals(mean_of(study, values)), three_decimals(median(values)),
          three_decimals(mean_of(study, values, 0)), three_decimals(mean_of(study, values, 1))};
}

ResultTable table_by_class(const LoadedStudy& study, const std::string& name, const std::string& caption,
                           const std::string& first, const std::string& note) {
  const auto classes = study.classes();
  return {.name = study.key + "-" + name,
          .caption = fmt::format("{} on {}", caption, study.title()),
          .note = note + jsd_note(study) + conditions(study),
          .header = {first, "Mean", "Median", "Mean, predicted " + classes[0], "Mean, predicted " + classes[1]},
          .rows = {},
          .left = 1};
}

}  // namespace

std::vector<const LoadedRun*> lambda_grid(const LoadedStudy& study) {
  std::vector<const LoadedRun*> grid = adversaries_of_reference(study);
  std::erase_if(grid, [&](const LoadedRun* run) { return run->spec.seed != study.reference_run().spec.seed; });
  return grid;
}

const LoadedRun* best_adversary(const LoadedStudy& study) {
  const LoadedRun* best = nullptr;
  for (const LoadedRun* run : lambda_grid(study)) {
    if (mean_jsd(*run) > kFarAttention && (best == nullptr || run->test().f1 > best->test().f1)) best = run;
  }
  return best;
}

bool grid_was_extended(const LoadedStudy& study) {
  const auto grid = lambda_grid(study);
  const auto far_enough = [](const LoadedRun* run) {
    return run->spec.lambda <= kLambdas.back() && mean_jsd(*run) > kFarAttention;
  };
  return !grid.empty() && grid.back()->spec.lambda > kLambdas.back() &&
         std::none_of(grid.begin(), grid.end(), far_enough);
}

const LoadedRun* most_distant_adversary(const LoadedStudy& study) {
  const auto grid = lambda_grid(study);
  const auto most = std::max_element(
      grid.begin(), grid.end(), [](const LoadedRun* a, const LoadedRun* b) { return mean_jsd(*a) < mean_jsd(*b); });
  return most == grid.end() ? nullptr : *most;
}

const LoadedRun* shown_adversary(const LoadedStudy& study) {
  if (const LoadedRun* best = best_adversary(study)) return best;
  for (const LoadedRun* run : lambda_grid(study)) {
    if (run->spec.lambda == kGuideLambda) return run;
  }
  return most_distant_adversary(study);
}

std::vector<const LoadedRun*> repeats_of(const LoadedStudy& study, const LoadedRun& adversary) {
  std::vector<const LoadedRun*> repeats;
  for (const LoadedRun* run : study.of_kind(RunKind::adversary)) {
    const LoadedRun* attacked = study.other_of(*run);
    if (attacked == nullptr || run->spec.lambda != adversary.spec.lambda || run->spec.seed != attacked->spec.seed) {
      continue;
    }
    repeats.insert(attacked == &study.reference_run() ? repeats.begin() : repeats.end(), run);
  }
  return repeats;
}

std::vector<const LoadedRun*> adversaries_of_other_seeds(const LoadedStudy& study) {
  std::vector<const LoadedRun*> others = adversaries_of_reference(study);
  std::erase_if(others, [&](const LoadedRun* run) { return run->spec.seed == study.reference_run().spec.seed; });
  return others;
}

const LoadedRun* perturbation_of_reference(const LoadedStudy& study) {
  for (const LoadedRun* run : study.of_kind(RunKind::perturbation)) {
    if (study.other_of(*run) == &study.reference_run()) return run;
  }
  return nullptr;
}

ResultTable best_adversary_table(const LoadedStudy& study) {
  ResultTable table{
      .name = study.key + "-table4",
      .caption = fmt::format("Best adversary with a mean JSD above {:g} on {} (Table 4)", kFarAttention, study.title()),
      .note = attack_note(study),
      .header = {"Model", "\u03bb", "F1", "TVD", "JSD"},
      .rows = {},
      .left = 1};
  const LoadedRun* best = best_adversary(study);
  if (const LoadedRun* shown = best == nullptr ? most_distant_adversary(study) : best) {
    table.rows.push_back({best == nullptr ? "Largest JSD; none passes" : "Adversary", lambda_of(*shown),
                          three_decimals(shown->test().f1), three_decimals(mean_tvd(*shown)),
                          three_decimals(mean_jsd(*shown))});
    const auto repeats = repeats_of(study, *shown);
    if (repeats.size() > 1) table.rows.push_back(row_of_repeats(repeats));
  }
  table.rows.push_back(
      {study.reference_run().label, "-", three_decimals(study.reference_run().test().f1), "0.000", "0.000"});
  if (study.paper() != nullptr && !std::isnan(study.paper()->adversary.f1)) {
    const auto& paper = study.paper()->adversary;
    table.rows.push_back({"The paper's adversary", fmt::format("{:g}", paper.lambda), three_decimals(paper.f1),
                          three_decimals(paper.tvd), three_decimals(paper.jsd)});
    table.rows.push_back({"The paper's base model", "-", three_decimals(study.paper()->base_f1), "0.000", "0.000"});
  }
  return table;
}

ResultTable lambda_table(const LoadedStudy& study) {
  ResultTable table{
      .name = study.key + "-lambdas",
      .caption = fmt::format("Every adversary with seed {} on {}", study.reference_run().spec.seed, study.title()),
      .note = attack_note(study),
      .header = {"\u03bb", "F1", "TVD", "JSD", "ROC-AUC", "Epoch"},
      .rows = {},
      .left = 1};
  for (const LoadedRun* run : lambda_grid(study)) table.rows.push_back(lambda_row(*run));
  return table;
}

ResultTable adversary_seed_table(const LoadedStudy& study) {
  ResultTable table{
      .name = study.key + "-adversary-seeds",
      .caption = fmt::format("Adversaries with another seed than their base model's on {}", study.title()),
      .note =
          "An adversary of the base model's own seed starts from that model's initial parameters and "
          "sees the texts in its order. " +
          attack_note(study),
      .header = {"\u03bb", "Seed", "F1", "TVD", "JSD"},
      .rows = {},
      .left = 2};
  const auto add = [&](const LoadedRun& run, const char* remark) {
    table.rows.push_back({lambda_of(run), fmt::format("{}{}", run.spec.seed, remark), three_decimals(run.test().f1),
                          three_decimals(mean_tvd(run)), three_decimals(mean_jsd(run))});
  };
  double lambda = kNoNumber;
  for (const LoadedRun* run : adversaries_of_other_seeds(study)) {
    for (const LoadedRun* own : lambda_grid(study)) {
      if (own->spec.lambda == run->spec.lambda && lambda != run->spec.lambda) add(*own, " (its base model's)");
    }
    lambda = run->spec.lambda;
    add(*run, "");
  }
  return table;
}

std::optional<ViolinFigure> seed_violins(const LoadedStudy& study) {
  const auto seeds = other_base_models(study);
  if (!study.has_base() || seeds.empty()) return std::nullopt;
  return violins(study, "JSD from the base model's attention (median over seeds)", std::numbers::ln2,
                 median_jsd(seeds));
}

std::optional<ViolinFigure> per_instance_violins(const LoadedStudy& study) {
  const LoadedRun* run = perturbation_of_reference(study);
  if (run == nullptr) return std::nullopt;
  return violins(study, "Largest JSD at the same prediction", std::numbers::ln2, run->from_reference.jsd);
}

std::optional<ViolinFigure> permutation_violins(const LoadedStudy& study) {
  const LoadedRun* run = perturbation_of_reference(study);
  if (run == nullptr) return std::nullopt;
  return violins(study, "Median change of the prediction under 100 permutations", 1, run->permutation_change);
}

ResultTable perturbation_table(const LoadedStudy& study) {
  ResultTable table = table_by_class(
      study, "perturbation", "Permuted attention and the per-instance adversary of Jain and Wallace (2019)", "Measure",
      "Permutation: the median |\u0394p| of a text under 100 permutations of its attention. Adversary: of a text, the "
      "attention with the largest JSD that moves p by at most 0.05. " +
          tvd_note(study));
  const LoadedRun* run = perturbation_of_reference(study);
  if (run == nullptr) return table;
  table.rows = {row_by_class(study, "Permutation, |\u0394p|", run->permutation_change),
                row_by_class(study, "Per-instance adversary, JSD", run->from_reference.jsd),
                row_by_class(study, "Per-instance adversary, TVD", run->from_reference.tvd)};
  return table;
}

ResultTable seed_table(const LoadedStudy& study) {
  ResultTable table =
      table_by_class(study, "seeds", "JSD of the other seeds' base models from the base seed's", "Seed", "");
  const auto seeds = other_base_models(study);
  for (const LoadedRun* run : seeds) {
    table.rows.push_back(row_by_class(study, fmt::format("{}", run->spec.seed), run->from_reference.jsd));
  }
  if (seeds.size() > 1) {
    table.rows.push_back(row_by_class(study, "Median over the seeds", median_jsd(seeds)));
  }
  return table;
}

std::optional<FrontierFigure> frontier(const LoadedStudy& study, std::optional<int32_t> predicted) {
  FrontierFigure figure;
  const auto seed = [](const LoadedRun& run) { return fmt::format("{}", run.spec.seed); };
  add_points(study, lambda_grid(study), predicted, lambda_of, figure.adversaries);
  add_points(study, other_base_models(study), predicted, seed, figure.seeds);
  std::vector<const LoadedRun*> uniform, per_instance;
  if (const LoadedRun* run = study.find(RunKind::uniform, study.reference_run().spec.seed)) uniform.push_back(run);
  if (const LoadedRun* run = perturbation_of_reference(study)) per_instance.push_back(run);
  add_points(study, uniform, predicted, seed, figure.uniform);
  add_points(study, per_instance, predicted, seed, figure.per_instance);
  std::vector<FigurePoint> all;
  for (const auto* points : {&figure.adversaries, &figure.seeds, &figure.uniform, &figure.per_instance}) {
    all.insert(all.end(), points->begin(), points->end());
  }
  const bool no_texts = !all.empty() && std::isnan(all.front().x);
  if (!study.has_base() || figure.adversaries.empty() || no_texts) return std::nullopt;
  return figure;
}

std::optional<EvidenceFigure> evidence_figure(const LoadedStudy& study) {
  EvidenceFigure figure;
  if (!study.planted()) return std::nullopt;
  for (const ModelGroup& group : model_groups(study)) {
    FigurePoint point;
    point.label = group.name;
    point.x = std::min(mean(group.evidence()), 1.0);  // weights in float may sum to a little more
    point.y = mean(group.f1());
    point.x_error = standard_deviation(group.evidence());
    point.y_error = standard_deviation(group.f1());
    figure.models.push_back(std::move(point));
  }
  if (figure.models.empty()) return std::nullopt;
  return figure;
}

}  // namespace notnot
