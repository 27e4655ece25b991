#include "experiments/report/adversaries.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

#include "engine/math/statistics.h"
#include "experiments/format/html.h"
#include "experiments/report/by_class.h"
#include "experiments/report/heat_map.h"
#include "experiments/report/measures.h"

namespace notnot {
namespace {

double mean_jsd(const LoadedRun& run) { return run.from_reference.mean_jsd(); }
double mean_tvd(const LoadedRun& run) { return run.from_reference.mean_tvd(); }

std::vector<const LoadedRun*> adversaries_of_reference(const LoadedStudy& study) {
  std::vector<const LoadedRun*> result;
  for (const LoadedRun* run : study.of_kind(RunKind::adversary)) {
    if (study.other_of(*run) == &study.reference_run()) result.push_back(run);
  }
  return result;
}

/// The seed of the adversaries in Table 4 and Figure 5.
uint64_t seed_of_grid(const LoadedStudy& study) {
  const auto grid = lambda_grid(study);
  return grid.empty() ? study.reference_run().spec().seed : grid.front()->spec().seed;
}

std::string lambda_of(const LoadedRun& run) { return fmt::format("{}", run.spec().lambda); }
AdversaryKind kind_of(const LoadedRun& adversary) { return kind_of_adversary(adversary.dataset(), adversary.spec()); }

// --- the finding -----------------------------------------------------------------------------------------------------

/// An adversary and its repeats, each beside the base model that it attacks.
struct Attack {
  std::vector<double> f1;   ///< the adversary's F1 minus the base model's
  std::vector<double> jsd;  ///< mean JSD from the base model

  Attack(const LoadedStudy& study, const LoadedRun& adversary) {
    for (const LoadedRun* run : repeats_of(study, adversary)) {
      f1.push_back(run->test().f1 - study.other_of(*run)->test().f1);
      jsd.push_back(run->from_attacked.mean_jsd());
    }
  }
  bool distant() const { return mean(jsd) > kFarAttention; }
  bool near() const { return mean(f1) >= -kNearF1; }
  std::string in_words() const {
    return fmt::format("JSD {}, F1 minus its base model's {} (n = {})", mean_and_spread(jsd), mean_and_spread(f1),
                       jsd.size());
  }
};

Finding adversary_exists(const LoadedStudy& study) {
  Finding finding{
      .title = "A distant adversary exists",
      .claim = fmt::format(
          "A trained adversary moves the attention to a mean Jensen-Shannon divergence (JSD) above {:g} from the base "
          "model's, and its F1 is at most {:g} below the base model's (Table 4).",
          kFarAttention, kNearF1),
      .verdict = Verdict::cannot_be_told,
      .reason = "There is no base model with adversaries; `notnot adversary` trains them."};
  const auto grid = lambda_grid(study);
  if (grid.empty()) return finding;
  const LoadedRun* best = best_adversary(study);
  const LoadedRun& shown = best == nullptr ? *most_distant_adversary(study) : *best;
  const Attack attack(study, shown);
  finding.reason = fmt::format(
      "{} \u03bb = {}{}: {}.",
      best == nullptr ? "No adversary of the base seed has such a JSD. The largest JSD is that of the adversary with"
                      : "Among the adversaries with such a JSD, the one with the best F1 has",
      shown.spec().lambda, seed_in_words(kind_of(shown)), attack.in_words());
  if (attack.distant()) {
    finding.verdict = attack.near() ? Verdict::agrees : Verdict::disagrees;
  } else if (grid.back()->spec().lambda >= kGuideLambda) {
    finding.verdict = Verdict::disagrees;
  } else {
    finding.reason +=
        fmt::format(" The grid ends at \u03bb = {}, below the paper's {}.", grid.back()->spec().lambda, kGuideLambda);
  }
  return finding;
}

// --- tables ----------------------------------------------------------------------------------------------------------

std::vector<std::string> lambda_row(const LoadedRun& run) {
  return {lambda_of(run),
          three_decimals(run.test().f1),
          three_decimals(mean_tvd(run)),
          three_decimals(mean_jsd(run)),
          three_decimals(run.test().roc_auc),
          fmt::format("{} of {}", run.result.epoch, run.epochs_trained)};
}

std::vector<std::string> row_of_repeats(const std::vector<const LoadedRun*>& repeats) {
  std::vector<double> f1, tvd, jsd;
  for (const LoadedRun* run : repeats) {
    f1.push_back(run->test().f1);
    tvd.push_back(run->from_attacked.mean_tvd());
    jsd.push_back(run->from_attacked.mean_jsd());
  }
  return {fmt::format("Mean over {} base models", repeats.size()), lambda_of(*repeats.front()), mean_and_spread(f1),
          mean_and_spread(tvd), mean_and_spread(jsd)};
}

/// The note of every table of adversaries.
std::string attack_note(const LoadedStudy& study) {
  std::string note = "Means over the test texts. " + tvd_note(study) + jsd_note(study) + conditions(study);
  const auto adversaries = study.of_kind(RunKind::adversary);
  if (!adversaries.empty())
    note += fmt::format(" The epoch of an adversary is the one with the lowest {}.",
                        adversaries.front()->result.selected_on);
  return note;
}

// --- Figure 5 --------------------------------------------------------------------------------------------------------

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

std::string frontier_caption(const LoadedStudy& study, const std::string& texts) {
  return fmt::format(
      "The mean distance of a model from the base model, over {}: to the right in attention (JSD), upwards in "
      "predictions (TVD, {}|&Delta;p|). Dotted line: trained adversaries (seed {}) as lambda grows; triangles: base "
      "models with other seeds; square: the uniform model; plus: the per-instance adversary.",
      texts, tvd_factor_in_words(study.tvd_factor), seed_of_grid(study));
}

std::string frontier_html(const LoadedStudy& study, const Exhibits& exhibits) {
  const auto whole = frontier(study);
  if (!whole) return "";
  const std::string alt =
      "Mean TVD against mean JSD from the base model: adversaries by lambda, seeds, uniform, per-instance adversary";
  std::string html = "<h4>The price of distance (Figure 5)</h4>\n";
  html += exhibits.figure(*whole, study.key + "-figure5", frontier_caption(study, "all test texts"), alt + ".");
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

// --- the section -----------------------------------------------------------------------------------------------------

/// The remarks on the grid of lambdas, which stand below Table 4.
std::string grid_remark(const LoadedStudy& study) {
  std::string remark;
  const auto grid = lambda_grid(study);
  if (grid.empty()) return remark;
  if (best_adversary(study) == nullptr) {
    remark += fmt::format(
        "<p>No adversary of the grid passes a mean JSD of {:g}; the table shows the one with the largest.</p>\n",
        kFarAttention);
  }
  if (needs_larger_lambdas(study)) {
    remark += fmt::format(
        "<p>No &lambda; up to {}, where the default grid ends, passes a mean JSD of {:g} here; this grid goes up to "
        "{}.</p>\n",
        kLambdas.back(), kFarAttention, grid.back()->spec().lambda);
  }
  return remark;
}

Section adversary_section(const LoadedStudy& study, const Exhibits& exhibits) {
  Section section{study.key + "-adversary", "Trained adversaries (Table 4 and Figure 5)", "", "adversary"};
  if (lambda_grid(study).empty()) return section;
  section.html =
      "<p>Can a model be trained to predict as the base model does while its attention goes elsewhere? "
      "Lambda (&lambda;) is the weight of the second aim.</p>\n" +
      exhibits.table(best_adversary_table(study)) + grid_remark(study) + frontier_html(study, exhibits) +
      exhibits.table(lambda_table(study));
  if (!adversaries_of_other_seeds(study).empty()) {
    section.html += "<h4>What another seed does</h4>\n" + exhibits.table(adversary_seed_table(study));
  }
  const std::string maps = adversary_maps_html(study);
  if (!maps.empty()) section.html += "<h4>One text (Figure 2)</h4>\n" + maps;
  return section;
}

}  // namespace

Part adversaries_part() { return {.section = adversary_section, .findings = {adversary_exists}}; }

std::vector<const LoadedRun*> lambda_grid(const LoadedStudy& study) {
  std::vector<const LoadedRun*> grid = adversaries_of_reference(study);
  const auto first = std::min_element(grid.begin(), grid.end(), [](const LoadedRun* a, const LoadedRun* b) {
    return kind_of(*a).seed < kind_of(*b).seed;
  });
  if (first == grid.end()) return grid;
  std::erase_if(grid, [seed = (*first)->spec().seed](const LoadedRun* run) { return run->spec().seed != seed; });
  return grid;
}

const LoadedRun* best_adversary(const LoadedStudy& study) {
  const LoadedRun* best = nullptr;
  for (const LoadedRun* run : lambda_grid(study)) {
    if (mean_jsd(*run) > kFarAttention && (best == nullptr || run->test().f1 > best->test().f1)) best = run;
  }
  return best;
}

bool needs_larger_lambdas(const LoadedStudy& study) {
  const auto grid = lambda_grid(study);
  const auto larger =
      std::find_if(grid.begin(), grid.end(), [](const LoadedRun* run) { return run->spec().lambda > kLambdas.back(); });
  return larger != grid.begin() && larger != grid.end() &&
         std::none_of(grid.begin(), larger, [](const LoadedRun* run) { return mean_jsd(*run) > kFarAttention; });
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
    if (run->spec().lambda == kGuideLambda) return run;
  }
  return most_distant_adversary(study);
}

std::vector<const LoadedRun*> repeats_of(const LoadedStudy& study, const LoadedRun& adversary) {
  std::vector<const LoadedRun*> repeats;
  for (const LoadedRun* run : study.of_kind(RunKind::adversary)) {
    const LoadedRun* attacked = study.other_of(*run);
    if (attacked == nullptr || kind_of(*run) != kind_of(adversary)) continue;
    repeats.insert(attacked == &study.reference_run() ? repeats.begin() : repeats.end(), run);
  }
  return repeats;
}

std::vector<const LoadedRun*> adversaries_of_other_seeds(const LoadedStudy& study) {
  std::vector<const LoadedRun*> others = adversaries_of_reference(study);
  const auto grid = lambda_grid(study);
  std::erase_if(others, [&](const LoadedRun* run) { return run->spec().seed == grid.front()->spec().seed; });
  return others;
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
    table.rows.push_back({(best == nullptr ? "Largest JSD; none passes" : "Adversary") + seed_in_words(kind_of(*shown)),
                          lambda_of(*shown), three_decimals(shown->test().f1), three_decimals(mean_tvd(*shown)),
                          three_decimals(mean_jsd(*shown))});
    const auto repeats = repeats_of(study, *shown);
    if (repeats.size() > 1) {
      table.rows.push_back(row_of_repeats(repeats));
      table.note += " In the mean over base models, TVD and JSD of each adversary are from the base model it attacks.";
    }
  }
  table.rows.push_back(
      {study.reference_run().label, "-", three_decimals(study.reference_run().test().f1), "0.000", "0.000"});
  if (study.paper() != nullptr && !std::isnan(study.paper()->adversary.f1)) {
    const auto& paper = study.paper()->adversary;
    table.rows.push_back({"The paper's adversary", fmt::format("{}", paper.lambda), three_decimals(paper.f1),
                          three_decimals(paper.tvd), three_decimals(paper.jsd)});
    table.rows.push_back({"The paper's base model", "-", three_decimals(study.paper()->base_f1), "0.000", "0.000"});
  }
  return table;
}

ResultTable lambda_table(const LoadedStudy& study) {
  ResultTable table{.name = study.key + "-lambdas",
                    .caption = fmt::format("Every adversary with seed {} on {}", seed_of_grid(study), study.title()),
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
  const auto add = [&](const LoadedRun& run) {
    const char* remark = kind_of(run).seed ? "" : " (its base model's)";
    table.rows.push_back({lambda_of(run), fmt::format("{}{}", run.spec().seed, remark), three_decimals(run.test().f1),
                          three_decimals(mean_tvd(run)), three_decimals(mean_jsd(run))});
  };
  double lambda = kNoNumber;
  for (const LoadedRun* run : adversaries_of_other_seeds(study)) {
    for (const LoadedRun* own : lambda_grid(study)) {
      if (own->spec().lambda == run->spec().lambda && lambda != run->spec().lambda) add(*own);
    }
    lambda = run->spec().lambda;
    add(*run);
  }
  return table;
}

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
  std::vector<FigurePoint> all;
  for (const auto* points : {&figure.adversaries, &figure.seeds, &figure.uniform, &figure.per_instance}) {
    all.insert(all.end(), points->begin(), points->end());
  }
  const bool no_texts = !all.empty() && std::isnan(all.front().x);
  if (!study.has_base() || figure.adversaries.empty() || no_texts) return std::nullopt;
  return figure;
}

}  // namespace notnot
