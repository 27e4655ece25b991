// The sections of the paper's four tests and of the comparison with Jain & Wallace.
#include <fmt/format.h>

#include "experiments/format/html.h"
#include "experiments/report/adversaries.h"
#include "experiments/report/heat_map.h"
#include "experiments/report/sections.h"

namespace notnot {
namespace {

constexpr std::string_view kHowToReadViolins =
    "Each row holds the texts whose largest attention weight under the base model lies in its quarter of 0 to 1, a "
    "violin "
    "per predicted class, quartiles inside, the number of texts beside. ";

std::string alt_of(const LoadedStudy& study, const std::string& what) {
  return fmt::format("Violin plots of {} on {}, by the largest base attention and predicted class.", what,
                     study.title());
}

std::string frontier_caption(const LoadedStudy& study, const std::string& texts) {
  return fmt::format(
      "Mean JSD (right: attention further from the base model&#39;s) and TVD (up: predictions further) of {}. Dotted: "
      "trained adversaries as lambda grows; triangles: other seeds; square: the uniform model; plus: the per-instance "
      "adversary. TVD = {}|&Delta;p|.",
      texts, study.tvd_factor == 1 ? "" : fmt::format("{:g} ", study.tvd_factor));
}

std::string frontier_html(const LoadedStudy& study, const Exhibits& exhibits) {
  const auto whole = frontier(study);
  if (!whole) return "";
  const std::string alt =
      "Mean TVD against mean JSD from the base model: adversaries by lambda, seeds, uniform, "
      "per-instance adversary";
  std::string html = "<h4>The price of distance (Figure 5)</h4>\n";
  html += exhibits.figure(*whole, study.key + "-figure5", frontier_caption(study, "all test texts"), alt + ".");
  html += "<div class=\"pair\">\n";
  for (const int32_t label : {0, 1}) {
    const auto of_class = frontier(study, label);
    if (!of_class) continue;
    const std::string name = study.classes().at(static_cast<size_t>(label));
    html += exhibits.figure(*of_class, fmt::format("{}-figure5-class{}", study.key, label),
                            fmt::format("The same for the texts predicted {}.", escape(name)),
                            fmt::format("{}; texts predicted {}.", alt, name));
  }
  return html + "</div>\n";
}

/// What to say of the grid beside Table 4.
std::string grid_remark(const LoadedStudy& study) {
  std::string remark;
  const auto grid = lambda_grid(study);
  if (grid.empty()) return remark;
  if (best_adversary(study) == nullptr) {
    remark += fmt::format(
        "<p>No adversary of the grid passes a mean JSD of {:g}; the table shows the one with the "
        "largest.</p>\n",
        kFarAttention);
  }
  if (grid_was_extended(study)) {
    remark += fmt::format(
        "<p>No &lambda; up to {:g} passes a mean JSD of {:g}, so the grid was extended upwards, to {:g}.</p>\n",
        kLambdas.back(), kFarAttention, grid.back()->spec.lambda);
  }
  return remark;
}

}  // namespace

Section uniform_section(const LoadedStudy& study, const Exhibits& exhibits) {
  Section section{study.key + "-uniform", "Uniform attention (Table 2)", "", "uniform"};
  const auto groups = attention_groups(study);
  if (groups.empty()) return section;
  section.html =
      "<p>Is attention needed at all? The same model once learns its attention and once weighs all words "
      "alike.</p>\n" +
      exhibits.table(attention_table(study));
  const auto comparison = groups.size() == 2 ? compare(study, groups[0], groups[1]) : std::nullopt;
  if (comparison) {
    section.html +=
        exhibits.table(comparison_table(study, "table2-differences", "F1 of base minus uniform", {*comparison}));
  }
  return section;
}

Section seeds_section(const LoadedStudy& study, const Exhibits& exhibits) {
  Section section{study.key + "-seeds", "Random seeds (Figure 3)", "", "seeds"};
  const auto figure = seed_violins(study);
  if (!figure) return section;
  section.html =
      "<p>How far does attention move when nothing but the seed changes? Far to the right: the attention is "
      "arbitrary, and an adversary that goes as far shows nothing.</p>\n" +
      exhibits.figure(*figure, study.key + "-figure3-seeds",
                      fmt::format("{}x: the text&#39;s median JSD over the other seeds.", kHowToReadViolins),
                      alt_of(study, "the JSD between seeds")) +
      exhibits.table(seed_table(study));
  return section;
}

Section guides_section(const LoadedStudy& study, const Exhibits& exhibits) {
  Section section{study.key + "-guides", "Guided MLP (Table 3)", "", "guides"};
  const auto groups = guide_groups(study);
  if (groups.empty()) return section;
  section.html =
      "<p>Is the attention useful to a model that sees no context? An MLP on single words is trained with "
      "its words weighted by each guide.</p>\n" +
      exhibits.table(guide_table(study));
  const auto comparisons = compare_neighbours(study, groups);
  if (!comparisons.empty()) {
    section.html += exhibits.table(
        comparison_table(study, "table3-differences", "F1 of each guide minus the one above it", comparisons));
  }
  return section;
}

Section adversary_section(const LoadedStudy& study, const Exhibits& exhibits) {
  Section section{study.key + "-adversary", "Trained adversaries (Table 4 and Figure 5)", "", "adversary"};
  if (lambda_grid(study).empty()) return section;
  section.html =
      "<p>Can a model be trained to predict as the base model does while its attention goes elsewhere? "
      "Lambda weighs the second aim.</p>\n" +
      exhibits.table(best_adversary_table(study)) + grid_remark(study) + frontier_html(study, exhibits) +
      exhibits.table(lambda_table(study));
  if (!adversaries_of_other_seeds(study).empty()) {
    section.html += "<h4>What another seed does</h4>\n" + exhibits.table(adversary_seed_table(study));
  }
  const std::string maps = adversary_maps_html(study);
  if (!maps.empty()) section.html += "<h4>One text (Figure 2)</h4>\n" + maps;
  return section;
}

Section perturbation_section(const LoadedStudy& study, const Exhibits& exhibits) {
  Section section{study.key + "-perturbation", "Jain and Wallace's perturbations (Figure 3 e, f)", "", "adversary"};
  const auto adversary = per_instance_violins(study), permutation = permutation_violins(study);
  if (!adversary || !permutation) return section;
  section.html =
      "<p>The base model&#39;s hidden states and output stay as they are; only the weights change, text by text. No "
      "model has to produce them.</p>\n" +
      exhibits.figure(
          *adversary, study.key + "-figure3-adversary",
          fmt::format("The per-instance adversary. {}x: the largest JSD at the same prediction.", kHowToReadViolins),
          alt_of(study, "the per-instance adversary's JSD")) +
      exhibits.figure(*permutation, study.key + "-permutation",
                      fmt::format("Permuted attention. {}x: the median change of p.", kHowToReadViolins),
                      alt_of(study, "the change of the prediction under permutation")) +
      exhibits.table(perturbation_table(study));
  if (lambda_grid(study).empty()) section.html += adversary_maps_html(study);  // else beside the trained adversary
  return section;
}

}  // namespace notnot
