#include "experiments/report/guides.h"

#include <fmt/format.h>

#include <cmath>

#include "experiments/report/measures.h"

namespace notnot {
namespace {

Finding guide_order(const LoadedStudy& study) {
  Finding finding{
      .title = "Attention guides",
      .claim =
          "An MLP on single words classifies worst when uniform weights guide it, better with weights that "
          "it learns itself, and best with the base LSTM's attention (Table 3).",
      .verdict = Verdict::cannot_be_told,
      .reason = "MLPs with these three guides and the same seed are not all there; `notnot guides` trains them."};
  const auto groups = guide_groups(study);
  std::vector<F1Comparison> differences;
  for (const auto& [better, worse] : {std::pair(kTrainedGuide, kUniformGuide), std::pair(kBaseGuide, kTrainedGuide)}) {
    const ModelGroup *a = find_group(groups, better), *b = find_group(groups, worse);
    const auto difference = a == nullptr || b == nullptr ? std::nullopt : compare(study, *a, *b);
    if (!difference) return finding;
    differences.push_back(*difference);
  }
  judge(differences, finding);
  return finding;
}

Finding adversary_guides_worst(const LoadedStudy& study) {
  Finding finding{
      .title = "Adversarial attention does not guide",
      .claim = fmt::format("The attention of the adversary with \u03bb = {} is a worse guide than any of the "
                           "others (Table 3: this holds on SST and IMDb; on Diabetes uniform weights are worse; on "
                           "Anemia it is as good as the base model's).",
                           kGuideLambda),
      .verdict = Verdict::cannot_be_told,
      .reason =
          fmt::format("An MLP guided by the adversary with \u03bb = {} and MLPs with the other guides and the same "
                      "seed are not all there; `notnot guides` trains them.",
                      kGuideLambda)};
  const auto groups = guide_groups(study);
  const ModelGroup* adversary = default_adversary(groups, kGuideLambda);
  if (adversary == nullptr) return finding;
  std::vector<F1Comparison> differences;
  for (const std::string_view other : {kUniformGuide, kTrainedGuide, kBaseGuide}) {
    const ModelGroup* group = find_group(groups, other);
    const auto difference = group == nullptr ? std::nullopt : compare(study, *group, *adversary);
    if (!difference) return finding;
    differences.push_back(*difference);
  }
  judge(differences, finding);
  return finding;
}

Section guides_section(const LoadedStudy& study, const Exhibits& exhibits) {
  Section section{study.key + "-guides", "Guided MLP (Table 3)", "", "guides"};
  const auto groups = guide_groups(study);
  if (groups.empty()) return section;
  section.html =
      "<p>Is the attention useful to a model that sees no context? An MLP on single words is trained once with each "
      "guide: the attention that weighs its words.</p>\n" +
      exhibits.table(guide_table(study));
  const auto comparisons = compare_neighbours(study, groups);
  if (!comparisons.empty()) {
    section.html += exhibits.table(
        comparison_table(study, "table3-differences", "F1 of each guide minus the one above it", comparisons));
  }
  return section;
}

}  // namespace

Part guides_part() { return {.section = guides_section, .findings = {guide_order, adversary_guides_worst}}; }

ResultTable guide_table(const LoadedStudy& study) {
  const bool papers = study.paper() != nullptr && !std::isnan(study.paper()->guides.base);
  ResultTable table{.name = study.key + "-table3",
                    .caption = fmt::format("F1 of the guided MLP on {} (Table 3)", study.title()),
                    .note = "F1 of the positive class on the test split. " + conditions(study),
                    .header = {"Guide", "Seed", "F1"},
                    .rows = {},
                    .left = 2};
  if (papers) table.header.insert(table.header.end(), {"Paper's F1", "Difference"});
  table.header.insert(table.header.end(), {"ROC-AUC", "Accuracy"});
  const auto groups = guide_groups(study);
  for (const ModelGroup& group : groups) {
    for (auto& row : f1_rows(group, common_seeds(groups), papers)) table.rows.push_back(std::move(row));
  }
  table.note += seeds_note(groups);
  return table;
}

}  // namespace notnot
