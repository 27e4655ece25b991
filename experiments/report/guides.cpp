#include "experiments/report/guides.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "engine/math/statistics.h"
#include "experiments/report/measures.h"
#include "experiments/report/uniform.h"

namespace notnot {
namespace {

constexpr const char* kMlpsMissing =
    "MLPs with the guides that this needs and the same seed are not all there; `notnot guides` trains them";

/// A finding of this test, without tests.
Finding finding_of(const LoadedStudy& study, const char* title, std::string claim) {
  const bool of_paper = has_further_claims(study);
  return {.title = title, .claim = of_paper ? std::move(claim) : no_claim_in_words(study), .of_paper = of_paper};
}

/// Adds a test of F1, and of ROC-AUC, on `a` minus `b`. If there is nothing to compare, sets the obstacle.
void add_test(const LoadedStudy& study, const ModelGroup* a, const ModelGroup* b,
              const std::function<Test(std::string, UncertainMean)>& test, Finding& finding) {
  const auto difference = a == nullptr || b == nullptr ? std::nullopt : compare(study, *a, *b);
  if (!difference) {
    finding.obstacle = kMlpsMissing;
    return;
  }
  finding.tests.push_back(of_f1_difference(test(difference->name(), difference->f1)));
  if (difference->roc_auc) finding.by_roc_auc.push_back(test(difference->name(), *difference->roc_auc));
}

/// Of mlp_groups or model_groups.
const ModelGroup* find_guided(const std::vector<ModelGroup>& groups, std::string_view guide) {
  return find_group(groups, name_of_mlp(std::string(guide)));
}

Finding guide_order(const LoadedStudy& study) {
  Finding finding = finding_of(study, "Attention guides",
                               "An MLP on single words classifies worst when uniform weights guide it, better with "
                               "weights that it learns itself, and best with the base LSTM's attention (Table 3).");
  const auto groups = mlp_groups(study);
  const ModelGroup *uniform = find_guided(groups, kUniformGuide), *trained = find_guided(groups, kTrainedGuide);
  add_test(study, trained, uniform, above_zero, finding);
  add_test(study, find_guided(groups, kBaseGuide), trained, above_zero, finding);
  return finding;
}

Finding attention_above_architecture(const LoadedStudy& study) {
  Finding finding = finding_of(study, "Attention counts more than context",
                               "An MLP on single words that the base LSTM's attention guides classifies better than "
                               "the LSTM with uniform attention (section 3.4, Tables 2 and 3).");
  const auto groups = model_groups(study);
  add_test(study, find_guided(groups, kBaseGuide), find_group(groups, kUniformModel), above_zero, finding);
  return finding;
}

/// Why the adversaries that guide the MLPs of the group are too near to their base models to show anything; empty if
/// they have moved.
std::string has_not_moved(const LoadedStudy& study, const ModelGroup& group) {
  const std::optional<GuideDistance> distance = guide_distance(study, group);
  if (!distance) return "the adversary that guides is not among the runs";
  if (distance->has_moved()) return "";
  return fmt::format("the adversary has not moved (JSD {}, where {} is needed: {:g}{})", three_decimals(distance->jsd),
                     three_decimals(distance->needed), kFarAttention,
                     distance->of_seeds ? fmt::format(", and the seeds' {}", three_decimals(*distance->of_seeds)) : "");
}

/// One column of Table 3 in words: "above the uniform weights, below ...".
std::string place_in_column(const PaperResults::Guides& guides) {
  std::vector<std::string> places;
  for (const auto& [name, f1] : {std::pair("uniform weights", guides.uniform),
                                 std::pair("weights that the MLP learns itself", guides.trained_mlp),
                                 std::pair("the base LSTM's attention", guides.base)}) {
    const bool equal = std::fabs(f1 - guides.adversary) <= kLittleGain;
    places.push_back(fmt::format("{} {}",
                                 equal                   ? "as good as"
                                 : f1 > guides.adversary ? "worse than"
                                                         : "better than",
                                 name));
  }
  return joined_with_and(places);
}

Finding adversary_as_guide(const LoadedStudy& study) {
  Finding finding = finding_of(study, "Adversarial attention as a guide", "");
  const auto groups = mlp_groups(study);
  const ModelGroup* adversary = default_adversary(groups, kGuideLambda);
  const PaperResults::Guides guides = finding.of_paper ? study.paper()->guides : PaperResults::Guides();
  if (finding.of_paper) {
    finding.claim = fmt::format(
        "On this data set the attention of the adversary with \u03bb = {} is, as a guide, {} "
        "(Table 3; within {:g} counts as equal).",
        kGuideLambda, place_in_column(guides), kLittleGain);
  }
  for (const auto& [name, f1] : {std::pair(kUniformGuide, guides.uniform), std::pair(kTrainedGuide, guides.trained_mlp),
                                 std::pair(kBaseGuide, guides.base)}) {
    const ModelGroup* other = find_guided(groups, name);
    if (std::fabs(f1 - guides.adversary) <= kLittleGain) {
      add_test(
          study, adversary, other,
          [](std::string what, UncertainMean difference) {
            return equal_within(std::move(what), std::move(difference), kLittleGain);
          },
          finding);
    } else if (f1 < guides.adversary) {
      add_test(study, adversary, other, above_zero, finding);
    } else {
      add_test(study, other, adversary, above_zero, finding);
    }
  }
  if (finding.obstacle.empty()) finding.obstacle = has_not_moved(study, *adversary);
  return finding;
}

Finding published_table3(const LoadedStudy& study) {
  return published_f1(study, "Table 3", guide_groups(study), has_further_claims(study));
}

/// MLPs that attributions of the base LSTM guide against the MLP that its attention guides, and uniform weights.
std::vector<Comparison> compare_attributions(const LoadedStudy& study, const std::vector<ModelGroup>& groups) {
  std::vector<Comparison> result;
  for (const std::string_view other : {kBaseGuide, kUniformGuide}) {
    const ModelGroup* guide = find_group(groups, other);
    for (const ModelGroup& group : groups) {
      if (!group.measure || guide == nullptr) continue;
      if (auto comparison = compare(study, group, *guide)) result.push_back(std::move(*comparison));
    }
  }
  return result;
}

Section guides_section(const LoadedStudy& study, const Exhibits& exhibits) {
  Section section{study.key + "-guides", "Guided MLP (Table 3)", "", "guides"};
  const auto groups = guide_groups(study);
  if (groups.empty()) return section;
  section.html =
      "<p>Is the attention useful to a model that sees no context? An MLP on single words is trained once with each "
      "guide: the attention that weighs its words.</p>\n" +
      exhibits.table(guide_table(study));
  auto comparisons = compare_neighbours(study, groups);
  const ModelGroup* uniform = find_group(groups, kUniformGuide);
  for (const ModelGroup& guide : groups) {
    if (!guide.from_elsewhere || uniform == nullptr || &guide == uniform + 1) continue;  // that pair is there already
    if (auto comparison = compare(study, guide, *uniform)) comparisons.push_back(std::move(*comparison));
  }
  if (!comparisons.empty()) {
    section.html += exhibits.table(comparison_table(
        study, "table3-differences",
        "Each guide minus the one above it, and guides from elsewhere minus uniform weights", comparisons));
  }
  const auto attributions = compare_attributions(study, groups);
  if (!attributions.empty()) {
    section.html +=
        "<p>Attention is one account of which words matter to the base LSTM. Its rivals guide the same MLP: a word "
        "weighs "
        "as much as its share of the text&#39;s |scores|. An account that is better at finding the words that tell the "
        "class is the better guide.</p>\n" +
        exhibits.table(comparison_table(study, "table3-attributions",
                                        "The base LSTM's attributions as guides, minus its attention and minus uniform "
                                        "weights",
                                        attributions));
  }
  const ResultTable controls = guide_controls_table(study);
  if (!controls.rows.empty()) {
    section.html +=
        "<p>A guide may help because it points at words that tell the class, or because it tells the class itself: "
        "weights that follow a model&#39;s prediction can smuggle it in, as a code that the MLP learns to read. "
        "So each guided MLP was tried with other weights than it learnt with.</p>\n" +
        exhibits.table(controls);
  }
  return section;
}

}  // namespace

std::optional<GuideDistance> guide_distance(const LoadedStudy& study, const ModelGroup& guided) {
  std::vector<double> jsd, of_seeds;
  for (const LoadedRun* mlp : guided.runs) {
    const LoadedRun* adversary = study.other_of(*mlp);
    if (adversary != nullptr && !adversary->from_attacked.jsd.empty())
      jsd.push_back(adversary->from_attacked.mean_jsd());
  }
  if (jsd.empty()) return std::nullopt;
  for (const LoadedRun* base : study.other_base_models()) of_seeds.push_back(base->from_reference.mean_jsd());
  GuideDistance distance{.jsd = mean(jsd), .needed = kFarAttention};
  if (!of_seeds.empty()) {
    distance.of_seeds = mean(of_seeds);
    distance.needed = std::max(kFarAttention, *distance.of_seeds);
  }
  return distance;
}

std::string guide_score(const ModelGroup& group, double GuideScores::*score) {
  std::vector<double> values;
  size_t runs = 0;
  for (const LoadedRun* run : group.runs) {
    if (!run->guide_scores) continue;
    ++runs;
    if (!std::isnan((*run->guide_scores).*score)) values.push_back((*run->guide_scores).*score);
  }
  if (values.empty()) return three_decimals(kNoNumber);
  return mean_and_spread(values) + (values.size() == runs ? "" : fmt::format(" (n = {})", values.size()));
}

Part guides_part() {
  return {.section = guides_section,
          .findings = {guide_order, attention_above_architecture, adversary_as_guide, published_table3}};
}

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

ResultTable guide_controls_table(const LoadedStudy& study) {
  ResultTable table{
      .name = study.key + "-table3-controls",
      .caption = fmt::format("The guided MLP on {} without its guide", study.title()),
      .note =
          "ROC-AUC on the test split. Permuted: the guide's weights, dealt out anew among the words of each text. "
          "Equal: all words weigh the same. The MLP is the one that was trained with the guide. Leakage: the part "
          "of what it tells beyond chance (0.5) that it loses with equal weights; none where that could be chance. "
          "Near 1 "
          "only the guide tells the class, and its use to the MLP is no evidence that it explains. Near 0 the words "
          "tell it, too; but a guide that chooses among such words by the label would also leave it near 0. " +
          conditions(study),
      .header = {"Guide", "Runs", "ROC-AUC", "Permuted", "Equal", "Leakage"},
      .rows = {}};
  for (const ModelGroup& group : guide_groups(study)) {
    std::vector<double> roc_auc;
    for (const LoadedRun* run : group.runs) {
      if (run->guide_scores) roc_auc.push_back(run->test().roc_auc);
    }
    if (roc_auc.empty()) continue;
    table.rows.push_back({group.name, fmt::format("{}", roc_auc.size()), mean_and_spread(roc_auc),
                          guide_score(group, &GuideScores::permuted_weights),
                          guide_score(group, &GuideScores::equal_weights), guide_score(group, &GuideScores::leakage)});
  }
  return table;
}

}  // namespace notnot
