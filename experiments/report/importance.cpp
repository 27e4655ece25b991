#include "experiments/report/importance.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/io/input_error.h"
#include "engine/io/stop.h"
#include "engine/math/agreement.h"
#include "engine/math/equivalence.h"
#include "engine/math/multiple_testing.h"
#include "engine/math/resampling.h"
#include "engine/runs/run_folder.h"
#include "experiments/report/definitions.h"
#include "experiments/report/measures.h"

namespace notnot {
namespace {

constexpr double kLevel = 0.05, kMargin = 0.05;  // of p, and in tau-b
constexpr uint64_t kBootstrapSeed = 1;

using TextMeasure = double TextAgreement::*;
/// [seeds] of [texts]
using Agreements = std::vector<std::vector<TextAgreement>>;

/// The base models that have an attribution by `measure` on the test split, by their seeds; for attention, all that
/// have any.
std::vector<const LoadedRun*> attributed_models(const LoadedStudy& study, Measure measure) {
  std::vector<const LoadedRun*> models;
  for (const LoadedRun* model : study.of_kind(RunKind::base)) {
    const bool has = std::any_of(study.attributions.begin(), study.attributions.end(), [&](const LoadedRun& run) {
      return study.other_of(run) == model && run.attribution.splits.test &&
             (measure == Measure::attention || run.attribution.measure == measure);
    });
    if (has) models.push_back(model);
  }
  return models;
}

std::vector<float> attention_of(const LoadedRun& model) {
  std::vector<float> weights = test_attention(model).log_attention;
  for (float& weight : weights) weight = std::exp(weight);
  return weights;
}

/// [tokens] Attention is that of the model itself.
std::vector<float> scores_of(const LoadedStudy& study, const LoadedRun& model, Measure measure) {
  if (measure == Measure::attention) return attention_of(model);
  for (const LoadedRun& run : study.attributions) {
    if (study.other_of(run) != &model || run.attribution.measure != measure || !run.attribution.splits.test) continue;
    Attributions found = RunFolder(run.path).attributions(SplitName::test);
    if (found.offsets == study.offsets && found.row == study.row) return std::move(found.score_probability);
    throw InputError(fmt::format("{} has other texts than {}; attribute that run again with --retrain",
                                 run.path.string(), model.path.string()));
  }
  throw Error(fmt::format("{} has no attribution by {}", model.path.string(), to_string(measure)));
}

/// [seeds, texts]
std::vector<double> table_of(const Agreements& agreements, TextMeasure measure) {
  std::vector<double> table;
  for (const auto& of_seed : agreements) {
    for (const TextAgreement& text : of_seed) table.push_back(text.*measure);
  }
  return table;
}

CrossedBootstrap bootstrap(const std::vector<double>& table, size_t seeds) {
  return crossed_bootstrap(table, static_cast<int32_t>(seeds), kBootstrapSeed);
}

/// The measure's agreement with itself, each seed with the next one.
Agreements between_seeds(const LoadedStudy& study, const std::vector<const LoadedRun*>& models, Measure measure) {
  Agreements result;
  const std::vector<float> first = scores_of(study, *models.front(), measure);
  std::vector<float> scores = first;
  for (size_t s = 0; s < models.size(); ++s) {
    std::vector<float> next = s + 1 < models.size() ? scores_of(study, *models[s + 1], measure) : first;
    result.push_back(agreement_by_text(study.offsets, scores, next));
    scores = std::move(next);
  }
  return result;
}

Agreements with_attention(const LoadedStudy& study, const std::vector<const LoadedRun*>& models, Measure measure) {
  Agreements result;
  result.reserve(models.size());
  for (const LoadedRun* model : models) {
    result.push_back(agreement_by_text(study.offsets, attention_of(*model), scores_of(study, *model, measure)));
  }
  return result;
}

double share_of_significant(const Agreements& agreements) {
  int64_t significant = 0, all = 0;
  for (const auto& of_seed : agreements) {
    for (const TextAgreement& text : of_seed) {
      if (std::isnan(text.tau_b)) continue;
      significant += text.p <= kLevel ? 1 : 0;
      ++all;
    }
  }
  return all == 0 ? kNoNumber : static_cast<double>(significant) / static_cast<double>(all);
}

ImportanceRow row_of(const LoadedStudy& study, const std::vector<const LoadedRun*>& models, Measure measure) {
  const Agreements agreements = with_attention(study, models, measure);
  const size_t seeds = models.size();
  ImportanceRow row{.measure = measure,
                    .seeds = {},
                    .tau_b = bootstrap(table_of(agreements, &TextAgreement::tau_b), seeds),
                    .pearson = bootstrap(table_of(agreements, &TextAgreement::pearson), seeds),
                    .top_k = bootstrap(table_of(agreements, &TextAgreement::top_k), seeds),
                    .rbo = bootstrap(table_of(agreements, &TextAgreement::rbo), seeds),
                    .significant = share_of_significant(agreements),
                    .ceiling = std::nullopt,
                    .below_ceiling = std::nullopt};
  for (const LoadedRun* model : models) row.seeds.push_back(model->spec().seed);
  if (seeds < 2) return row;
  row.ceiling = bootstrap(table_of(between_seeds(study, models, measure), &TextAgreement::tau_b), seeds);
  if (measure == Measure::attention) return row;
  const std::vector<double> tau = table_of(agreements, &TextAgreement::tau_b);
  std::vector<double> below = table_of(between_seeds(study, models, Measure::attention), &TextAgreement::tau_b);
  std::transform(below.begin(), below.end(), tau.begin(), below.begin(), std::minus<>());
  row.below_ceiling = bootstrap(below, seeds);
  return row;
}

std::string interval_text(const CrossedBootstrap& bootstrap, double coverage = 0.95) {
  if (bootstrap.replicates.empty()) return "-";
  const Interval interval = bootstrap.interval(coverage);
  return fmt::format("{} to {}", three_decimals(interval.low), three_decimals(interval.high));
}

/// ".351 (.49)": what Jain and Wallace published for the pair of attention and this measure; "-" if nothing.
std::string published(const LoadedStudy& study, Measure measure) {
  const PublishedAgreement* numbers = find_agreement(study.corpus());
  if (numbers == nullptr) return "-";
  if (measure == Measure::input_x_gradient_held)
    return fmt::format("{:.3f} ({:.2f})", numbers->gradient, numbers->gradient_significant);
  if (measure == Measure::leave_one_out)
    return fmt::format("{:.3f} ({:.2f})", numbers->leave_one_out, numbers->leave_one_out_significant);
  return "-";
}

Section importance_section(const LoadedStudy& study, const Exhibits& exhibits) {
  Section section{study.key + "-importance", "Attention and other measures of importance", "", "importance"};
  const std::vector<ImportanceRow> rows = importance_rows(study);
  if (rows.size() < 2) return section;
  section.html =
      "<p>Do the words with much attention matter by other measures, too? A rank correlation alone is no verdict: it "
      "is "
      "read between a floor, 0, which scores that are dealt out anew reach, and a ceiling, the agreement of the same "
      "measure with itself under another seed. And a measure that disagrees with attention may itself be the one that "
      "is wrong: what each of them is worth is tested by erasure and by guiding.</p>\n" +
      exhibits.table(agreement_table(study, rows));
  const ResultTable ceiling = ceiling_table(study, rows);
  if (!ceiling.rows.empty()) section.html += exhibits.table(ceiling);
  return section;
}

}  // namespace

Part importance_part() { return {.section = importance_section}; }

std::vector<TextAgreement> agreement_by_text(const std::vector<int64_t>& offsets, const std::vector<float>& x,
                                             const std::vector<float>& y) {
  std::vector<TextAgreement> result(offsets.size() - 1);
  const auto absolute = [](const std::vector<float>& scores, int64_t begin, int64_t end) {
    std::vector<double> words;
    for (int64_t n = begin; n < end; ++n) words.push_back(std::fabs(double{scores[n]}));
    return words;
  };
  for (size_t i = 0; i < result.size(); ++i) {
    check_stop();
    const std::vector<double> a = absolute(x, offsets[i] + 1, offsets[i + 1] - 1),
                              b = absolute(y, offsets[i] + 1, offsets[i + 1] - 1);
    const Ranking of_a(a), of_b(b);
    const KendallTau tau = kendall_tau(of_a, of_b);
    result[i] = {.tau_b = tau.tau_b,
                 .pearson = pearson_correlation(a, b),
                 .top_k = top_k_overlap(of_a, of_b).corrected,
                 .rbo = rank_biased_overlap(of_a, of_b).corrected,
                 .p = tau.p};
  }
  return result;
}

std::vector<ImportanceRow> importance_rows(const LoadedStudy& study) {
  std::vector<ImportanceRow> rows;
  for (const Measure measure : kMeasures) {
    const std::vector<const LoadedRun*> models = attributed_models(study, measure);
    if (!models.empty()) rows.push_back(row_of(study, models, measure));
  }
  return rows;
}

ResultTable agreement_table(const LoadedStudy& study, const std::vector<ImportanceRow>& rows) {
  ResultTable table{
      .name = study.key + "-importance",
      .caption = fmt::format("Agreement with attention on {}", study.title()),
      .note = fmt::format(
          "Means over the test texts and over n base models, of absolute scores with respect to the probability. "
          "Intervals: 95 %, over other seeds and other texts together (crossed bootstrap, {} resamples; with one seed "
          "over texts alone). Top k and RBO are corrected for chance, so that the floor of every column is 0. Share: "
          "texts with an unadjusted p of at most .05. Ceiling: tau-b of the measure between a seed and the next one. "
          "Left "
          "out: texts for which some seed has scores that are all equal, or of one word.{} {}",
          with_thousands(kResamples),
          find_agreement(study.corpus()) == nullptr ? ""
                                                    : " Jain and Wallace: their released tau-b, in brackets the share; "
                                                      "their gradient is that of the input with "
                                                      "attention held.",
          conditions(study)),
      .header = {"Measure", "n", "Kendall's tau-b", "95 %", "Share", "Pearson", "Top k", "RBO", "Ceiling", "95 % of it",
                 "Left out", "Jain & Wallace"},
      .rows = {},
      .left = 1};
  for (const ImportanceRow& row : rows) {
    const bool itself = row.measure == Measure::attention;
    const auto cell = [&](const CrossedBootstrap& of) { return itself ? "-" : three_decimals(of.estimate); };
    table.rows.push_back({std::string(to_string(row.measure)), fmt::format("{}", row.seeds.size()), cell(row.tau_b),
                          itself ? "-" : interval_text(row.tau_b),
                          itself ? "-" : fmt::format("{:.2f}", row.significant), cell(row.pearson), cell(row.top_k),
                          cell(row.rbo), row.ceiling ? three_decimals(row.ceiling->estimate) : "-",
                          row.ceiling ? interval_text(*row.ceiling) : "-", with_thousands(row.tau_b.left_out),
                          published(study, row.measure)});
  }
  return table;
}

ResultTable ceiling_table(const LoadedStudy& study, const std::vector<ImportanceRow>& rows) {
  ResultTable table{
      .name = study.key + "-importance-ceiling",
      .caption =
          fmt::format("How far below the ceiling of attention its agreement with others is on {}", study.title()),
      .note = fmt::format(
          "Difference: the tau-b of attention with itself under the next seed, minus that with the measure, text by "
          "text. "
          "Equivalent: the 90 % interval lies within {0:g} of 0. The p values are for a difference of 0, and for a "
          "tau-b "
          "of 0, both corrected by Holm for the number of measures; with fewer than three seeds they say nothing about "
          "other seeds.",
          kMargin),
      .header = {"Measure", "n", "Difference", "95 %", "90 %", "p of the difference", "p of tau-b", "Equivalent"},
      .rows = {},
      .left = 1};
  std::vector<const ImportanceRow*> compared;
  std::vector<double> p_difference, p_tau;
  for (const ImportanceRow& row : rows) {
    if (!row.below_ceiling || row.below_ceiling->replicates.empty() || row.tau_b.replicates.empty()) continue;
    compared.push_back(&row);
    p_difference.push_back(row.below_ceiling->p_value());
    p_tau.push_back(row.tau_b.p_value());
  }
  p_difference = holm(p_difference);
  p_tau = holm(p_tau);
  for (size_t i = 0; i < compared.size(); ++i) {
    const CrossedBootstrap& below = *compared[i]->below_ceiling;
    table.rows.push_back({std::string(to_string(compared[i]->measure)), fmt::format("{}", compared[i]->seeds.size()),
                          signed_three_decimals(below.estimate), interval_text(below), interval_text(below, 0.9),
                          fmt::format("{:.3g}", p_difference[i]), fmt::format("{:.3g}", p_tau[i]),
                          equivalent(below.interval(0.9), kMargin) ? "yes" : "no"});
  }
  return table;
}

}  // namespace notnot
