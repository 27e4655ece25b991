#include "experiments/report/importance.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "engine/io/input_error.h"
#include "engine/io/stop.h"
#include "engine/math/agreement.h"
#include "engine/math/equivalence.h"
#include "engine/math/multiple_testing.h"
#include "engine/runs/run_folder.h"
#include "experiments/format/html.h"
#include "experiments/report/comparisons.h"
#include "experiments/report/definitions.h"
#include "experiments/report/measures.h"

namespace notnot {
namespace {

constexpr double kLevel = 0.05, kMargin = 0.05;  // of p, and in tau-b

using TextMeasure = double TextAgreement::*;
/// [seeds] of [texts]
using Agreements = std::vector<std::vector<TextAgreement>>;
using Models = std::vector<const LoadedRun*>;

/// The base models that have an attribution by `measure` on the test split, by their seeds; for attention, all that
/// have any.
Models attributed_models(const LoadedStudy& study, Measure measure) {
  Models models;
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

/// The absolute scores of the words of text i, without boundary tokens.
std::vector<double> words_of(const std::vector<int64_t>& offsets, const std::vector<float>& scores, size_t i) {
  std::vector<double> words;
  for (int64_t n = offsets[i] + 1; n < offsets[i + 1] - 1; ++n) words.push_back(std::fabs(double{scores[n]}));
  return words;
}

/// tau-b of the measure with itself for each pair of seeds, as SeedPairs::table.
std::vector<double> between_seeds(const LoadedStudy& study, const Models& models, Measure measure) {
  const size_t texts = study.offsets.size() - 1;
  std::vector<std::vector<Ranking>> rankings(models.size());
  for (size_t s = 0; s < models.size(); ++s) {
    const std::vector<float> scores = scores_of(study, *models[s], measure);
    for (size_t i = 0; i < texts; ++i) rankings[s].emplace_back(words_of(study.offsets, scores, i));
  }
  std::vector<double> table;
  for (size_t s = 0; s < models.size(); ++s) {
    for (size_t t = s + 1; t < models.size(); ++t) {
      check_stop();
      for (size_t i = 0; i < texts; ++i) table.push_back(kendall_tau(rankings[s][i], rankings[t][i]).tau_b);
    }
  }
  return table;
}

Agreements agreements_of(const LoadedStudy& study, const Models& models, Measure a, Measure b) {
  Agreements result;
  result.reserve(models.size());
  for (const LoadedRun* model : models) {
    result.push_back(agreement_by_text(study.offsets, scores_of(study, *model, a), scores_of(study, *model, b)));
  }
  return result;
}

std::vector<uint64_t> seeds_of(const Models& models) {
  std::vector<uint64_t> seeds;
  seeds.reserve(models.size());
  for (const LoadedRun* model : models) seeds.push_back(model->spec().seed);
  return seeds;
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

/// The ceilings of attention, each computed once: of most measures the models are the same.
class AttentionCeilings {
 public:
  explicit AttentionCeilings(const LoadedStudy& study) : study_(study) {}
  /// As SeedPairs::table.
  const std::vector<double>& of(const Models& models) {
    const auto found = tables_.find(models);
    if (found != tables_.end()) return found->second;
    return tables_.emplace(models, between_seeds(study_, models, Measure::attention)).first->second;
  }

 private:
  const LoadedStudy& study_;
  std::map<Models, std::vector<double>> tables_;
};

ImportanceRow row_of(const LoadedStudy& study, const Models& models, Measure measure, AttentionCeilings& ceilings) {
  const Agreements agreements = agreements_of(study, models, Measure::attention, measure);
  const size_t seeds = models.size();
  const std::vector<double> tau = table_of(agreements, &TextAgreement::tau_b);
  ImportanceRow row{.measure = measure,
                    .seeds = seeds_of(models),
                    .tau_b = crossed_mean(study, tau, seeds),
                    .pearson = crossed_mean(study, table_of(agreements, &TextAgreement::pearson), seeds),
                    .top_k = crossed_mean(study, table_of(agreements, &TextAgreement::top_k), seeds),
                    .rbo = crossed_mean(study, table_of(agreements, &TextAgreement::rbo), seeds),
                    .significant = share_of_significant(agreements),
                    .ceiling = std::nullopt,
                    .below_ceiling = std::nullopt};
  if (seeds < 2) return row;
  const bool itself = measure == Measure::attention;
  const std::vector<double> own = itself ? ceilings.of(models) : between_seeds(study, models, measure);
  SeedPairs pairs{.seeds = static_cast<int32_t>(seeds), .table = own, .minus = {}, .cluster = study.cluster};
  row.ceiling = bootstrap_of_pairs(pairs, study.base_seed);
  if (itself) return row;
  pairs.table = ceilings.of(models);
  pairs.minus = tau;
  row.below_ceiling = bootstrap_of_pairs(pairs, study.base_seed);
  return row;
}

std::string interval_text(const CrossedBootstrap& bootstrap, double coverage = 0.95) {
  if (bootstrap.replicates.empty()) return "-";
  const Interval interval = bootstrap.interval(coverage);
  return fmt::format("{} to {}", three_decimals(interval.low), three_decimals(interval.high));
}

/// "0.351 (0.49)".
std::string published_number(double tau_b, double significant) {
  return fmt::format("{:.3f} ({:.2f})", tau_b, significant);
}

/// What Jain and Wallace published for the pair of attention and this measure; "-" if nothing.
std::string published(const LoadedStudy& study, Measure measure) {
  const PublishedAgreement* numbers = find_agreement(study.corpus());
  if (numbers != nullptr && measure == Measure::input_x_gradient_held)
    return published_number(numbers->gradient, numbers->gradient_significant);
  if (numbers != nullptr && measure == Measure::leave_one_out)
    return published_number(numbers->leave_one_out, numbers->leave_one_out_significant);
  return "-";
}

/// What stands in the column of their numbers, for the notes; empty if there are none.
std::string published_note(const LoadedStudy& study) {
  if (find_agreement(study.corpus()) == nullptr) return "";
  return "Jain and Wallace: the tau-b that they released, in brackets the share; their gradient is that of the input "
         "with attention held. Their table of the differences between these pairs looks as if it had the labels of "
         "attention with gradient and of attention with leave-one-out exchanged; each number stands here beside the "
         "pair that their means are of. ";
}

constexpr const char* kIntroduction =
    "Do the words with much attention matter by other measures, too? Agreement is Kendall's tau-b between the absolute "
    "scores of a text's words. A rank correlation alone is no verdict: it is read between a floor, which is chance, "
    "and "
    "a ceiling, the same measure under another seed. And a measure that disagrees with attention may itself be the one "
    "that is wrong: what each of them is worth is tested by erasure and by guiding.";
constexpr const char* kBelow =
    "How much is missing up to the ceiling? Attention agrees with itself under another seed as far as the ceiling "
    "says. "
    "The equivalence of the two is a claim of its own: a difference that is not significant may still be large.";
constexpr const char* kRivals =
    "Do the rivals of attention agree with each other? Kendall's tau-b of each with leave-one-out, which is no formula "
    "of the model's insides, but what happens when the word is not there.";

std::string paragraph(const char* text) { return fmt::format("<p>{}</p>\n", with_definitions(text)); }

std::string figure_html(const LoadedStudy& study, const std::vector<ImportanceRow>& rows, const Exhibits& exhibits) {
  const AgreementFigure figure = agreement_figure(rows);
  const std::string ceilings =
      std::isnan(figure.ceiling.value)
          ? ""
          : fmt::format(
                "Diamonds: of the measure with itself under another seed, its {}. Grey: the ceiling of attention. ",
                defined("ceiling"));
  return exhibits.figure(
      figure, study.key + "-importance",
      fmt::format(
          "Agreement with attention: mean {} over the test texts. Circles: of each measure with the attention of "
          "the same model. Dotted line: the {}. {}{}",
          defined("Kendall's tau-b"), defined("floor"), ceilings, escape(crossed_intervals_in_words(study, rows))),
      "Mean tau-b of each measure with attention, and of each measure with itself under another seed, with intervals.");
}

Section importance_section(const LoadedStudy& study, const Exhibits& exhibits) {
  Section section{study.key + "-importance", "Attention and other measures of importance", "", "importance"};
  const std::vector<ImportanceRow> rows = importance_rows(study);
  if (rows.size() < 2) return section;
  section.html =
      paragraph(kIntroduction) + figure_html(study, rows, exhibits) + exhibits.table(agreement_table(study, rows));
  const ResultTable ceiling = ceiling_table(study, rows), rivals = rival_table(study, rival_rows(study));
  if (!ceiling.rows.empty()) section.html += paragraph(kBelow) + exhibits.table(ceiling);
  if (!rivals.rows.empty()) section.html += paragraph(kRivals) + exhibits.table(rivals);
  return section;
}

}  // namespace

Part importance_part() { return {.section = importance_section}; }

std::vector<TextAgreement> agreement_by_text(const std::vector<int64_t>& offsets, const std::vector<float>& x,
                                             const std::vector<float>& y) {
  std::vector<TextAgreement> result(offsets.size() - 1);
  for (size_t i = 0; i < result.size(); ++i) {
    check_stop();
    const std::vector<double> a = words_of(offsets, x, i), b = words_of(offsets, y, i);
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
  AttentionCeilings ceilings(study);
  for (const Measure measure : kMeasures) {
    const Models models = attributed_models(study, measure);
    if (!models.empty()) rows.push_back(row_of(study, models, measure, ceilings));
  }
  return rows;
}

std::vector<RivalRow> rival_rows(const LoadedStudy& study) {
  std::vector<RivalRow> rows;
  const Models deleted = attributed_models(study, Measure::leave_one_out);
  for (const Measure measure : kMeasures) {
    if (measure == Measure::attention || measure == Measure::leave_one_out) continue;
    Models models = attributed_models(study, measure);
    std::erase_if(models,
                  [&](const LoadedRun* model) { return std::count(deleted.begin(), deleted.end(), model) == 0; });
    if (models.empty()) continue;
    const Agreements agreements = agreements_of(study, models, measure, Measure::leave_one_out);
    rows.push_back({.measure = measure,
                    .seeds = seeds_of(models),
                    .tau_b = crossed_mean(study, table_of(agreements, &TextAgreement::tau_b), models.size()),
                    .significant = share_of_significant(agreements)});
  }
  return rows;
}

ResultTable agreement_table(const LoadedStudy& study, const std::vector<ImportanceRow>& rows) {
  ResultTable table{
      .name = study.key + "-importance",
      .caption = fmt::format("Agreement with attention on {}", study.title()),
      .note =
          "Means over the test texts and over n base models, of absolute scores with respect to the probability. "
          "Top-k overlap and RBO are corrected for chance, so that the floor of every column is 0. p \u2264 .05: the "
          "share of the texts with such a p of tau-b, not adjusted. Ceiling: tau-b of the measure between two seeds, "
          "over all pairs of them; two seeds are one pair, whose interval is over texts alone. Left out: texts "
          "for which some seed has scores that are all equal, or of one word. " +
          crossed_intervals_in_words(study, rows) + published_note(study) + conditions(study),
      .header = {"Measure", "n", "Kendall's tau-b", "95 %", "p \u2264 .05", "Pearson", "Top-k overlap", "RBO",
                 "Ceiling", "95 % (ceiling)", "Left out"},
      .rows = {},
      .left = 1};
  const bool is_published = find_agreement(study.corpus()) != nullptr;
  for (const ImportanceRow& row : rows) {
    const bool itself = row.measure == Measure::attention;
    const auto cell = [&](const CrossedBootstrap& of) { return itself ? "-" : three_decimals(of.estimate); };
    table.rows.push_back({title_of(row.measure), fmt::format("{}", row.seeds.size()), cell(row.tau_b),
                          itself ? "-" : interval_text(row.tau_b),
                          itself ? "-" : fmt::format("{:.2f}", row.significant), cell(row.pearson), cell(row.top_k),
                          cell(row.rbo), row.ceiling ? three_decimals(row.ceiling->estimate) : "-",
                          row.ceiling ? interval_text(*row.ceiling) : "-", with_thousands(row.tau_b.left_out)});
    if (is_published) table.rows.back().push_back(published(study, row.measure));
  }
  if (is_published) table.header.emplace_back("Jain & Wallace");
  return table;
}

ResultTable ceiling_table(const LoadedStudy& study, const std::vector<ImportanceRow>& rows) {
  ResultTable table{
      .name = study.key + "-importance-ceiling",
      .caption =
          fmt::format("How far below the ceiling of attention its agreement with others is on {}", study.title()),
      .note = fmt::format(
          "Difference: the tau-b of attention with itself under another seed (all pairs of seeds), minus that with the "
          "measure; seeds and texts are drawn once for both. Equivalence: the 90 % interval lies within {0:g} of 0. "
          "The "
          "p values are for a difference of 0, and for a tau-b of 0, both corrected by Holm for the number of "
          "measures. "
          "{1}",
          kMargin, crossed_intervals_in_words(study, rows)),
      .header = {"Measure", "n", "Difference", "95 %", "90 %", "p of the difference", "p of tau-b", "Equivalence"},
      .rows = {},
      .left = 1};
  std::vector<size_t> judged;  // the rows that have p values
  std::vector<double> p_difference, p_tau;
  for (const ImportanceRow& row : rows) {
    if (!row.below_ceiling || row.below_ceiling->replicates.empty() || row.tau_b.replicates.empty()) continue;
    const CrossedBootstrap& below = *row.below_ceiling;
    table.rows.push_back({title_of(row.measure), fmt::format("{}", row.seeds.size()),
                          signed_three_decimals(below.estimate), interval_text(below), interval_text(below, 0.9), "-",
                          "-", "-"});
    if (!can_be_told(study, row.seeds.size())) continue;
    judged.push_back(table.rows.size() - 1);
    p_difference.push_back(below.p_value());
    p_tau.push_back(row.tau_b.p_value());
    table.rows.back().back() = equivalent(below.interval(0.9), kMargin) ? "yes" : "no";
  }
  p_difference = holm(p_difference);
  p_tau = holm(p_tau);
  for (size_t i = 0; i < judged.size(); ++i) {
    table.rows[judged[i]][5] = fmt::format("{:.3g}", p_difference[i]);
    table.rows[judged[i]][6] = fmt::format("{:.3g}", p_tau[i]);
  }
  return table;
}

ResultTable rival_table(const LoadedStudy& study, const std::vector<RivalRow>& rows) {
  ResultTable table{.name = study.key + "-importance-rivals",
                    .caption = fmt::format("Agreement with leave-one-out on {}", study.title()),
                    .note =
                        "As in the table of agreement with attention, on the base models that have both "
                        "attributions. Attention itself stands in that table. " +
                        crossed_intervals_in_words(study, rows) + published_note(study) + conditions(study),
                    .header = {"Measure", "n", "Kendall's tau-b", "95 %", "p \u2264 .05", "Left out"},
                    .rows = {},
                    .left = 1};
  const PublishedAgreement* numbers = find_agreement(study.corpus());
  for (const RivalRow& row : rows) {
    table.rows.push_back({title_of(row.measure), fmt::format("{}", row.seeds.size()),
                          three_decimals(row.tau_b.estimate), interval_text(row.tau_b),
                          fmt::format("{:.2f}", row.significant), with_thousands(row.tau_b.left_out)});
    if (numbers == nullptr) continue;
    table.rows.back().push_back(row.measure == Measure::input_x_gradient_held
                                    ? published_number(numbers->rivals, numbers->rivals_significant)
                                    : "-");
  }
  if (numbers != nullptr) table.header.emplace_back("Jain & Wallace");
  return table;
}

AgreementFigure agreement_figure(const std::vector<ImportanceRow>& rows) {
  AgreementFigure figure;
  const auto estimate_of = [](const CrossedBootstrap& of) {
    const Interval interval = of.interval(0.95);
    return AgreementFigure::Estimate{.value = of.estimate, .low = interval.low, .high = interval.high};
  };
  for (const ImportanceRow& row : rows) {
    if (row.measure == Measure::attention && !row.ceiling) continue;  // nothing to draw
    AgreementFigure::Row& drawn = figure.rows.emplace_back();
    drawn.label = title_of(row.measure);
    if (row.measure != Measure::attention) drawn.agreement = estimate_of(row.tau_b);
    if (row.ceiling) drawn.ceiling = estimate_of(*row.ceiling);
    if (row.measure == Measure::attention) figure.ceiling = drawn.ceiling;
  }
  return figure;
}

}  // namespace notnot
