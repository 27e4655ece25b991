#include "experiments/report/seeds.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/math/metrics.h"
#include "engine/math/statistics.h"
#include "experiments/report/by_class.h"
#include "experiments/report/comparisons.h"

namespace notnot {
namespace {

constexpr const char* kMoreSeeds = "`notnot seeds` trains more";
constexpr const char* kOneReference = "All distances are from one base model; with another one they would be others.";

/// For each text the median JSD over the runs.
TextValues median_jsd(const std::vector<const LoadedRun*>& runs) {
  TextValues result;
  for (size_t i = 0; i < runs.front()->from_reference.jsd.size(); ++i) {
    TextValues of_text;
    for (const LoadedRun* run : runs) of_text.push_back(run->from_reference.jsd[i]);
    result.push_back(median(of_text));
  }
  return result;
}

/// [texts] whether the reference predicts the class.
std::vector<bool> predicted(const LoadedStudy& study, int32_t label) {
  std::vector<bool> result;
  for (const float probability : study.reference_run().probability) {
    result.push_back(predicted_class(probability) == label);
  }
  return result;
}

/// For each class a test that the per-instance adversary of the base model is farther from it than the other seeds are.
void add_tests_by_class(const LoadedStudy& study, const LoadedRun& per_instance, Finding& finding) {
  for (const int32_t label : {0, 1}) {
    const std::vector<bool> of_class = predicted(study, label);
    if (std::find(of_class.begin(), of_class.end(), true) == of_class.end()) continue;
    std::vector<ResampledMeasure> differences;
    for (const LoadedRun* seed : study.other_base_models()) {
      differences.push_back([of_class, seed, &per_instance](std::span<const int32_t> times) {
        return resampled_mean(per_instance.from_reference.jsd, times, of_class) -
               resampled_mean(seed->from_reference.jsd, times, of_class);
      });
    }
    finding.tests.push_back(
        above_zero(fmt::format("JSD of the per-instance adversary minus that of the seeds, texts predicted {}",
                               study.classes().at(label)),
                   over_seeds(study, differences)));
  }
}

/// What the paper reads off Figure 3 c and e; without a claim, the same numbers.
Finding seeds_below_adversaries(const LoadedStudy& study) {
  const bool of_paper = has_claims(study) && study.corpus() == "sst";
  Finding finding{.title = "Attention is robust to the seed", .claim = no_claim_in_words(study), .of_paper = of_paper};
  finding.more_seeds = kMoreSeeds;
  if (of_paper) {
    finding.claim =
        "Another seed moves the attention less than the adversary of each text does, in both classes: the attention is "
        "\u201csurprisingly robust\u201d (section 3.3, Figure 3 c and e).";
  } else if (has_further_claims(study)) {
    finding.claim = "The paper claims this of SST alone.";
  }
  const LoadedRun* per_instance = study.perturbation_of_reference();
  if (!study.has_base() || study.other_base_models().empty() || per_instance == nullptr) {
    finding.obstacle =
        "other seeds' base models and the per-instance adversary are not all there; `notnot seeds` and "
        "`notnot adversary` train them";
    return finding;
  }
  add_tests_by_class(study, *per_instance, finding);
  finding.remark = kOneReference;
  return finding;
}

/// What the paper reads off Figure 3 d and f.
Finding negative_class_is_arbitrary(const LoadedStudy& study) {
  const bool of_paper = has_claims(study) && study.corpus() == "diabetes";
  Finding finding{.title = "The seed moves one class", .claim = no_claim_in_words(study), .of_paper = of_paper};
  finding.more_seeds = kMoreSeeds;
  if (of_paper) {
    finding.claim =
        "Another seed moves the attention farther in the negative class, which is \u201crelatively arbitrary\u201d, "
        "than in "
        "the positive one (section 3.3, Figure 3 d).";
  } else if (has_further_claims(study)) {
    finding.claim = "The paper claims this of Diabetes alone.";
  }
  const std::vector<const LoadedRun*> seeds = study.other_base_models();
  if (!study.has_base() || seeds.empty()) {
    finding.obstacle = "there are no base models of other seeds; `notnot seeds` trains them";
    return finding;
  }
  const std::vector<bool> negative = predicted(study, 0), positive = predicted(study, 1);
  std::vector<ResampledMeasure> differences;
  for (const LoadedRun* seed : seeds) {
    differences.push_back([negative, positive, seed](std::span<const int32_t> times) {
      return resampled_mean(seed->from_reference.jsd, times, negative) -
             resampled_mean(seed->from_reference.jsd, times, positive);
    });
  }
  if (std::isnan(differences.front()(std::vector<int32_t>(negative.size(), 1)))) {
    finding.obstacle = "the base model predicts one class alone";
    return finding;
  }
  finding.tests = {above_zero(fmt::format("JSD of the texts predicted {} minus that of those predicted {}",
                                          study.classes()[0], study.classes()[1]),
                              over_seeds(study, differences))};
  finding.remark = kOneReference;
  return finding;
}

Section seeds_section(const LoadedStudy& study, const Exhibits& exhibits) {
  Section section{study.key + "-seeds", "Random seeds (Figure 3)", "", "seeds"};
  const auto figure = seed_violins(study);
  if (!figure) return section;
  section.html =
      "<p>How far does attention move when nothing but the seed changes? An adversary that goes no farther shows "
      "little.</p>\n" +
      exhibits.figure(*figure, study.key + "-figure3-seeds",
                      violin_caption("the text&#39;s median JSD over the other seeds"),
                      violin_alt_text(study, "the JSD between seeds")) +
      exhibits.table(seed_table(study));
  return section;
}

}  // namespace

Part seeds_part() {
  return {.section = seeds_section, .findings = {seeds_below_adversaries, negative_class_is_arbitrary}};
}

std::optional<ViolinFigure> seed_violins(const LoadedStudy& study) {
  const auto seeds = study.other_base_models();
  if (!study.has_base() || seeds.empty()) return std::nullopt;
  return violins_by_class(study, "JSD from the base model's attention (median over seeds)", std::numbers::ln2,
                          median_jsd(seeds));
}

ResultTable seed_table(const LoadedStudy& study) {
  ResultTable table =
      table_by_class(study, "seeds", "JSD of the other seeds' base models from the base seed's", "Seed", "");
  const auto seeds = study.other_base_models();
  for (const LoadedRun* run : seeds) {
    table.rows.push_back(row_by_class(study, fmt::format("{}", run->spec().seed), run->from_reference.jsd));
  }
  if (seeds.size() > 1) {
    table.rows.push_back(row_by_class(study, "Each text's median over the seeds", median_jsd(seeds)));
  }
  return table;
}

}  // namespace notnot
