#include "experiments/report/perturbation.h"

#include <fmt/format.h>

#include <numbers>

#include "experiments/report/adversaries.h"
#include "experiments/report/by_class.h"
#include "experiments/report/heat_map.h"
#include "experiments/report/measures.h"

namespace notnot {
namespace {

Section perturbation_section(const LoadedStudy& study, const Exhibits& exhibits) {
  Section section{study.key + "-perturbation", "Jain and Wallace's perturbations (Figure 3 e, f)", "", "adversary"};
  const auto adversary = per_instance_violins(study), permutation = permutation_violins(study);
  if (!adversary || !permutation) return section;
  section.html =
      "<p>The base model&#39;s hidden states and output layer stay as they are; only its attention weights are "
      "changed, separately for each text. No model has to learn the changed weights.</p>\n" +
      exhibits.figure(*adversary, study.key + "-figure3-adversary",
                      "The per-instance adversary. " + violin_caption("the largest JSD at the same prediction"),
                      violin_alt_text(study, "the per-instance adversary's JSD")) +
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

std::optional<ViolinFigure> permutation_violins(const LoadedStudy& study) {
  const LoadedRun* run = study.perturbation_of_reference();
  if (run == nullptr) return std::nullopt;
  return violins_by_class(study, "Median change of the prediction under 100 permutations", 1, run->permutation_change);
}

ResultTable perturbation_table(const LoadedStudy& study) {
  ResultTable table = table_by_class(
      study, "perturbation", "Permuted attention and the per-instance adversary of Jain and Wallace (2019)", "Measure",
      "Permutation: the median |\u0394p| of a text under 100 permutations of its attention. Per-instance adversary: "
      "for each text the attention with the largest JSD that moves p by at most 0.05. " +
          tvd_note(study));
  const LoadedRun* run = study.perturbation_of_reference();
  if (run == nullptr) return table;
  table.rows = {row_by_class(study, "Permutation, |\u0394p|", run->permutation_change),
                row_by_class(study, "Per-instance adversary, JSD", run->from_reference.jsd),
                row_by_class(study, "Per-instance adversary, TVD", run->from_reference.tvd)};
  return table;
}

}  // namespace notnot
