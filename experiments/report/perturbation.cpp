#include "experiments/report/perturbation.h"

#include <fmt/format.h>

#include <numbers>

#include "experiments/report/adversaries.h"
#include "experiments/report/by_class.h"
#include "experiments/report/definitions.h"
#include "experiments/report/exclusivity.h"
#include "experiments/report/heat_map.h"
#include "experiments/report/measures.h"

namespace notnot {
namespace {

/// How far the search comes; empty where no attention can move.
std::string search_html(const SearchScore& score) {
  if (score.exact == 0) return "";
  return fmt::format(
      "<p>The search reaches a mean JSD of {} where {} is possible: its {} is {:.0f}%. On {:.0f}% of the texts its JSD "
      "is "
      "a tenth or more below the exact one. (Its loss counts changes of p from 0.01 on, and it may make {}.)</p>\n",
      three_decimals(score.searched), three_decimals(score.exact), defined("share of the optimum"),
      100 * score.searched / score.exact, 100 * score.texts_below, kSearchedChange);
}

/// Jain & Wallace's adversary, and beside it the exact one.
std::string figure3_html(const LoadedStudy& study, const Exhibits& exhibits) {
  const std::string searched =
      exhibits.figure(per_instance_violins(study).value(), study.key + "-figure3-adversary",
                      fmt::format("The {}, which is searched. {}", defined("per-instance adversary"),
                                  violin_caption("the largest JSD at the same prediction")),
                      violin_alt_text(study, "the per-instance adversary's JSD"));
  const auto exact = exact_violins(study);
  if (!exact) return searched;
  return fmt::format(
      "<div class=\"pair\">\n{}{}</div>\n{}", searched,
      exhibits.figure(*exact, study.key + "-figure3-exact",
                      fmt::format("The {} that may change p as much, by at most {}. Rows, violins and x as beside it.",
                                  defined("exact adversary"), kSearchedChange),
                      violin_alt_text(study, "the exact adversary's JSD")),
      search_html(search_score(study).value()));
}

Section perturbation_section(const LoadedStudy& study, const Exhibits& exhibits) {
  Section section{study.key + "-perturbation", "Jain and Wallace's perturbations (Figure 3 e, f)", "", "adversary"};
  const auto permutation = permutation_violins(study);
  if (!permutation) return section;
  section.html =
      "<p>The base model&#39;s hidden states and output layer stay as they are; only its attention weights are "
      "changed, separately for each text. No model has to learn the changed weights.</p>\n" +
      figure3_html(study, exhibits) +
      exhibits.figure(*permutation, study.key + "-permutation",
                      "Permuted attention. " + violin_caption("the median change of p"),
                      violin_alt_text(study, "the change of the prediction under permutation")) +
      exhibits.table(perturbation_table(study));
  // If there are trained adversaries, their section has these heat maps.
  if (lambda_grid(study).empty()) section.html += adversary_maps_html(study);
  return section;
}

}  // namespace

Part perturbation_part() { return {.section = perturbation_section}; }

std::optional<ViolinFigure> per_instance_violins(const LoadedStudy& study) {
  const LoadedRun* run = study.perturbation_of_reference();
  if (run == nullptr) return std::nullopt;
  return violins_by_class(study, "Largest JSD at the same prediction", std::numbers::ln2, run->from_reference.jsd);
}

std::optional<ViolinFigure> exact_violins(const LoadedStudy& study) {
  const ExactAttack* exact = exact_optimum(study);
  if (exact == nullptr) return std::nullopt;
  return violins_by_class(study, "Largest possible JSD at the same prediction", std::numbers::ln2, exact->jsd);
}

std::optional<ViolinFigure> permutation_violins(const LoadedStudy& study) {
  const LoadedRun* run = study.perturbation_of_reference();
  if (run == nullptr) return std::nullopt;
  return violins_by_class(study, "Median change of the prediction under 100 permutations", 1, run->permutation_change);
}

ResultTable perturbation_table(const LoadedStudy& study) {
  ResultTable table = table_by_class(
      study, "perturbation", "Permuted attention and the per-instance adversary of Jain and Wallace (2019)", "Measure",
      "Permutation: the median |\u0394p| of a text under 100 permutations of its attention. Per-instance adversary: "
      "for each text the attention with the largest JSD that a search has found to move p by at most 0.05. Exact "
      "adversary: the one with the largest JSD that there is. " +
          tvd_note(study));
  const LoadedRun* run = study.perturbation_of_reference();
  if (run == nullptr) return table;
  table.rows = {row_by_class(study, "Permutation, |\u0394p|", run->permutation_change),
                row_by_class(study, "Per-instance adversary, JSD", run->from_reference.jsd),
                row_by_class(study, "Per-instance adversary, TVD", run->from_reference.tvd)};
  if (const ExactAttack* exact = exact_optimum(study)) {
    table.rows.push_back(row_by_class(study, "Exact adversary, JSD", exact->jsd));
    table.rows.push_back(row_by_class(study, "Exact adversary, TVD", exact->tvd));
  }
  return table;
}

}  // namespace notnot
