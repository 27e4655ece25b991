#include "experiments/report/seeds.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>

#include "engine/math/metrics.h"
#include "engine/math/statistics.h"
#include "experiments/report/by_class.h"
#include "experiments/report/comparisons.h"
#include "experiments/report/measures.h"

namespace notnot {
namespace {

constexpr const char* kMoreSeeds = "`notnot seeds` trains more";
constexpr const char* kOneReference = "All distances are from one base model; with another one they would be others.";

/// `over` of each text's JSD over the runs: its median, or its largest.
TextValues jsd_over(const std::vector<const LoadedRun*>& runs, double (*over)(std::span<const double>)) {
  TextValues result;
  for (size_t i = 0; i < runs.front()->from_reference.jsd.size(); ++i) {
    TextValues of_text;
    for (const LoadedRun* run : runs) of_text.push_back(run->from_reference.jsd[i]);
    result.push_back(over(of_text));
  }
  return result;
}

double largest(std::span<const double> values) { return *std::max_element(values.begin(), values.end()); }

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
  differences.reserve(seeds.size());
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
  const auto figure = seed_violins(study, Figure3::released), captioned = seed_violins(study, Figure3::captioned);
  if (!figure) return section;
  section.html =
      "<p>How far does attention move when nothing but the seed changes? An adversary that goes no farther shows "
      "little.</p>\n" +
      exhibits.figure(*figure, study.key + "-figure3-seeds",
                      violin_caption("the text&#39;s median JSD over the other seeds"),
                      violin_alt_text(study, "the JSD between seeds")) +
      exhibits.table(seed_table(study)) +
      "<p>The caption of the paper&#39;s Figure 3 speaks of the largest divergence and of the texts&#39; labels; its "
      "released code, which the figure above follows, takes the median and the predicted class. As the caption has "
      "it:</p>\n" +
      exhibits.figure(*captioned, study.key + "-figure3-captioned",
                      violin_caption("the text&#39;s largest JSD over the other seeds", "label"),
                      violin_alt_text(study, "the largest JSD between seeds, by label"));
  if (const ResultTable pairs = seed_pairs_table(study); !pairs.rows.empty()) section.html += exhibits.table(pairs);
  return section;
}

}  // namespace

Part seeds_part() {
  return {.section = seeds_section, .findings = {seeds_below_adversaries, negative_class_is_arbitrary}};
}

std::optional<ViolinFigure> seed_violins(const LoadedStudy& study, Figure3 form) {
  const auto seeds = study.other_base_models();
  if (!study.has_base() || seeds.empty()) return std::nullopt;
  if (form == Figure3::released) {
    return violins_by_class(study, "JSD from the base model's attention (median over seeds)", std::numbers::ln2,
                            jsd_over(seeds, median));
  }
  ViolinFigure figure = violins_by_class(study, "JSD from the base model's attention (largest over seeds), by label",
                                         std::numbers::ln2, jsd_over(seeds, largest));
  figure.predicted = study.label;
  figure.of_class = "labelled";
  return figure;
}

ResultTable seed_table(const LoadedStudy& study) {
  ResultTable table =
      table_by_class(study, "seeds", "JSD of the other seeds' base models from the base seed's", "Seed", "");
  const auto seeds = study.other_base_models();
  for (const LoadedRun* run : seeds) {
    table.rows.push_back(row_by_class(study, fmt::format("{}", run->spec().seed), run->from_reference.jsd));
  }
  if (seeds.size() > 1) {
    table.rows.push_back(row_by_class(study, "Each text's median over the seeds", jsd_over(seeds, median)));
  }
  return table;
}

ResultTable seed_pairs_table(const LoadedStudy& study) {
  ResultTable table{
      .name = study.key + "-seed-pairs",
      .caption = fmt::format("All pairs of base models on {}", study.title()),
      .note =
          "Mean JSD of a base model's attention from that of each other base model: the mean over these, and the "
          "least and the largest. The report compares all with the first row's. Part of a distance may be that "
          "the two models are of different epochs. " +
          conditions(study),
      .header = {"Seed", "Epoch", "Mean", "Least", "Largest"},
      .rows = {},
      .left = 1};
  std::vector<const LoadedRun*> models = study.other_base_models();
  if (!study.has_base() || models.size() < 2) return table;
  models.insert(models.begin(), &study.reference_run());
  std::vector<Attention> attention;
  attention.reserve(models.size());
  for (const LoadedRun* model : models) attention.push_back(test_attention(*model));
  for (size_t a = 0; a < models.size(); ++a) {
    std::vector<double> jsd;
    for (size_t b = 0; b < models.size(); ++b) {
      if (a != b) jsd.push_back(divergences(attention[a], attention[b], study.tvd_factor).mean_jsd());
    }
    const auto [least, most] = std::minmax_element(jsd.begin(), jsd.end());
    table.rows.push_back({fmt::format("{}", models[a]->spec().seed), fmt::format("{}", models[a]->result.epoch),
                          three_decimals(mean(jsd)), three_decimals(*least), three_decimals(*most)});
  }
  return table;
}

}  // namespace notnot
