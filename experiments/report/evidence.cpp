#include "experiments/report/evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/math/metrics.h"
#include "engine/math/statistics.h"
#include "experiments/format/html.h"
#include "experiments/report/measures.h"

namespace notnot {
namespace {

/// The measure of every run of the group that has one.
template <class Measure>
std::vector<double> values(const ModelGroup& group, Measure measure) {
  std::vector<double> result;
  for (const LoadedRun* run : group.runs) {
    const double value = measure(*run);
    if (!std::isnan(value)) result.push_back(value);
  }
  return result;
}

double precision(const LoadedRun& run) { return run.attention_scores.precision; }
double recall(const LoadedRun& run) { return run.attention_scores.recall; }
double rank_correlation(const LoadedRun& run) { return run.attention_scores.rank_correlation; }

/// Shares as percentages, "75.0 ± 21.2"; "-" without one.
std::string percent(const std::vector<double>& shares) {
  if (shares.empty()) return "-";
  const std::string spread = shares.size() < 2 ? "" : fmt::format(" \u00b1 {:.1f}", 100 * standard_deviation(shares));
  return fmt::format("{:.1f}{}", 100 * mean(shares), spread);
}

std::string number(const std::vector<double>& numbers) { return numbers.empty() ? "-" : mean_and_spread(numbers); }

/// The scores of equal weights.
AttentionScores chance(const LoadedStudy& study) {
  Attention equal{.log_attention = std::vector<float>(study.importance.size()),
                  .offsets = study.offsets,
                  .probability = {},
                  .label = study.label,
                  .row = study.row};
  for (size_t text = 0; text < study.label.size(); ++text) {
    const auto words = static_cast<float>(study.offsets[text + 1] - study.offsets[text] - 2);
    std::fill(equal.log_attention.begin() + study.offsets[text], equal.log_attention.begin() + study.offsets[text + 1],
              -std::log(words));
  }
  return score_attention(equal, study.importance);
}

std::vector<std::string> score_row(const std::string& name, const AttentionScores& scores, const std::string& f1) {
  return {name, "-", percent({scores.precision}), percent({scores.recall}), three_decimals(scores.rank_correlation),
          f1};
}

std::string share_of(const std::vector<ModelGroup>& groups, const char* name) {
  const ModelGroup* group = find_group(groups, name);
  return group == nullptr ? "" : percent(values(*group, precision));
}

const char* rule_in_words(EvidenceKind kind) {
  switch (kind) {
    case EvidenceKind::single:
      return "The label is the class with the larger sum of weights among a few evidence words.";
    case EvidenceKind::negated:
      return "One evidence word decides, and means the other class if 'not' stands directly before it.";
    case EvidenceKind::conjunction:
      return "An evidence word and its partner decide together: the label is 1 if both are of the same class.";
    case EvidenceKind::order:
      return "There is an evidence word of each class, and the one that comes first decides.";
    case EvidenceKind::position:
      break;
  }
  return "Of two to four evidence words the first one decides, whatever the others are.";
}

std::string introduction(const LoadedStudy& study) {
  const PlantedOptions options = study.any_run().planted_options();
  std::string text = fmt::format(
      "The right explanation is known here. {} Every word has an importance, its Shapley value under this rule. A "
      "model "
      "may use words that its attention does not point at: the second table shows both.",
      rule_in_words(options.evidence));
  if (options.label_noise > 0) {
    text += fmt::format(" {:g} % of the labels are turned over, so that no model can be expected to exceed F1 {:g}.",
                        100 * options.label_noise, options.bayes_f1());
  }
  return text;
}

Section evidence_section(const LoadedStudy& study, const Exhibits& exhibits) {
  Section section{study.key + "-evidence", "Attention on the evidence", ""};
  const auto figure = evidence_figure(study);
  if (!figure) return section;
  section.html = fmt::format("<p>{}</p>\n", escape(introduction(study))) +
                 exhibits.figure(*figure, study.key + "-evidence",
                                 "The share of each model&#39;s attention on evidence words, and its F1; where a model "
                                 "has several runs, their mean and standard deviation. Dotted: the share that equal "
                                 "weights have.",
                                 "Scatter plot of F1 against the share of attention on evidence words, a point per "
                                 "model, and a line at the share of equal weights.") +
                 exhibits.table(evidence_table(study)) + fmt::format("<p>{}</p>\n", escape(known_answers(study)));
  const ResultTable table = reliance_table(study);
  section.html +=
      table.rows.empty()
          ? "<p class=\"muted\">These runs are of an earlier version, which did not try the models on texts "
            "without their evidence. <code>--retrain</code> trains them again.</p>\n"
          : exhibits.table(table);
  return section;
}

}  // namespace

Part evidence_part() { return {.section = evidence_section}; }

std::optional<EvidenceFigure> evidence_figure(const LoadedStudy& study) {
  EvidenceFigure figure;
  if (!study.planted()) return std::nullopt;
  for (const ModelGroup& group : model_groups(study)) {
    const std::vector<double> shares = values(group, precision);
    if (shares.empty()) continue;  // no text has a word with importance that the models know
    FigurePoint point;
    point.label = group.name;
    // The weights are floats, whose sum may be a little above 1.
    point.x = std::min(mean(shares), 1.0);
    point.y = mean(group.f1());
    point.x_error = standard_deviation(shares);
    point.y_error = standard_deviation(group.f1());
    figure.models.push_back(std::move(point));
  }
  if (figure.models.empty()) return std::nullopt;
  figure.chance = chance(study).precision;
  return figure;
}

ResultTable evidence_table(const LoadedStudy& study) {
  ResultTable table{
      .name = study.key + "-evidence",
      .caption = fmt::format("Attention on the evidence of {}", study.title()),
      .note =
          "Means over the test texts. Precision: the share of the attention on words with importance, in "
          "percent. Recall: the share of the importance on words that have at least an equal share of the "
          "attention, in percent. Rank: the rank correlation of attention and importance (Somers' D: "
          "Kendall's, over the pairs of words that differ in importance), from -1 to 1; 0 is chance. "
          "Where a model has several runs: their mean and the sample's standard deviation. " +
          conditions(study),
      .header = {"Model", "Runs", "Precision", "Recall", "Rank", "F1"},
      .rows = {},
      .left = 1};
  for (const ModelGroup& group : model_groups(study)) {
    table.rows.push_back({group.name, fmt::format("{}", group.runs.size()), percent(values(group, precision)),
                          percent(values(group, recall)), number(values(group, rank_correlation)),
                          mean_and_spread(group.f1())});
  }
  for (const LoadedRun* run : study.of_kind(RunKind::perturbation)) {
    const ModelGroup alone{.name = run->label, .runs = {run}};
    table.rows.push_back({run->label, "1", percent(values(alone, precision)), percent(values(alone, recall)),
                          number(values(alone, rank_correlation)), "-"});
  }
  if (study.importance.empty()) return table;
  table.rows.push_back(score_row("Chance: equal weights", chance(study), "-"));
  table.rows.push_back(
      score_row("The rule itself", {1, 1, 1}, three_decimals(classify(study.rule_probability, study.label).f1)));
  return table;
}

ResultTable reliance_table(const LoadedStudy& study) {
  ResultTable table{
      .name = study.key + "-reliance",
      .caption = fmt::format("What the models point at and what they use, on {}", study.title()),
      .note =
          "Points: the share of the attention on the evidence, in percent. Changed: the share of the "
          "test texts whose predicted class changes when the evidence, or as many other words of the "
          "text, are replaced by filler, in percent; then the F1 on these texts. A guided MLP keeps "
          "the attention that it has for the whole text. Of a text without evidence nobody can know the label: "
          "a model that used nothing else then guesses, and about half of its predictions change. (Where the first of "
          "several evidence words decides, the next one then comes first, and more change.) " +
          conditions(study),
      .header = {"Model", "Runs", "Points", "Changed: evidence", "Changed: others", "F1", "F1: evidence", "F1: others"},
      .rows = {},
      .left = 1};
  for (const ModelGroup& group : model_groups(study)) {
    const auto of = [&group](double Reliance::*member) {
      return values(group,
                    [member](const LoadedRun& run) { return run.reliance ? (*run.reliance).*member : kNoNumber; });
    };
    if (of(&Reliance::f1_without_evidence).empty()) continue;
    table.rows.push_back({group.name, fmt::format("{}", group.runs.size()), percent(values(group, precision)),
                          percent(of(&Reliance::changed_without_evidence)),
                          percent(of(&Reliance::changed_without_others)), mean_and_spread(group.f1()),
                          number(of(&Reliance::f1_without_evidence)), number(of(&Reliance::f1_without_others))});
  }
  return table;
}

std::string known_answers(const LoadedStudy& study) {
  const std::vector<ModelGroup> groups = model_groups(study);
  std::string text;
  if (study.any_run().planted_options().evidence != EvidenceKind::single) {
    text =
        "No word says anything alone here, so that MLPs without a guide are at chance, and no model is known whose "
        "attention must be its decision.";
  } else if (const std::string share = share_of(groups, "Trained MLP"); !share.empty()) {
    text = fmt::format(
        "Known beforehand: the trained MLP sees each word alone and adds the words up by their attention, so that its "
        "attention is its decision; it has {} % on the evidence.",
        share);
  }
  for (const char* name : {"Uniform", "Uniform MLP"}) {
    const std::string share = share_of(groups, name);
    if (share.empty()) continue;
    text += fmt::format(
        "{}Attention that weighs all words alike cannot be a decision: {} has {} % on the evidence, which is chance.",
        text.empty() ? "" : " ", name, share);
    break;  // other uniform models have the same weights
  }
  return text;
}

}  // namespace notnot
