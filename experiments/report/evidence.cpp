#include "experiments/report/evidence.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/math/statistics.h"
#include "experiments/report/measures.h"

namespace notnot {
namespace {

Section evidence_section(const LoadedStudy& study, const Exhibits& exhibits) {
  Section section{study.key + "-evidence", "Attention on the evidence", ""};
  const auto figure = evidence_figure(study);
  if (!figure) return section;
  section.html =
      "<p>The right explanation is known here: a few evidence words decide each label. How much of its attention a "
      "model puts on them tells whether the attention explains; F1 does not.</p>\n" +
      exhibits.figure(*figure, study.key + "-evidence",
                      "The share of each model&#39;s attention on evidence words, and its F1; where a model has "
                      "several runs, their mean and standard deviation.",
                      "Scatter plot of F1 against the share of attention on evidence words, a point per model.") +
      exhibits.table(evidence_table(study));
  return section;
}

}  // namespace

Part evidence_part() { return {.section = evidence_section}; }

std::optional<EvidenceFigure> evidence_figure(const LoadedStudy& study) {
  EvidenceFigure figure;
  if (!study.planted()) return std::nullopt;
  for (const ModelGroup& group : model_groups(study)) {
    FigurePoint point;
    point.label = group.name;
    // The weights are floats, whose sum may be a little above 1.
    point.x = std::min(mean(group.evidence()), 1.0);
    point.y = mean(group.f1());
    point.x_error = standard_deviation(group.evidence());
    point.y_error = standard_deviation(group.f1());
    figure.models.push_back(std::move(point));
  }
  if (figure.models.empty()) return std::nullopt;
  return figure;
}

ResultTable evidence_table(const LoadedStudy& study) {
  ResultTable table{.name = study.key + "-evidence",
                    .caption = fmt::format("Attention on the evidence of {}", study.title()),
                    .note =
                        "Evidence: the share of the attention on the words that decide the label, mean over the test "
                        "texts, in percent. Where a model has several runs: their mean and the sample's standard "
                        "deviation. " +
                        conditions(study),
                    .header = {"Model", "Runs", "Evidence", "F1"},
                    .rows = {},
                    .left = 1};
  const auto percent = [](const std::vector<double>& shares) {
    const std::string spread = shares.size() < 2 ? "" : fmt::format(" \u00b1 {:.1f}", 100 * standard_deviation(shares));
    return fmt::format("{:.1f}{}", 100 * mean(shares), spread);
  };
  for (const ModelGroup& group : model_groups(study)) {
    table.rows.push_back(
        {group.name, fmt::format("{}", group.runs.size()), percent(group.evidence()), mean_and_spread(group.f1())});
  }
  for (const LoadedRun* run : study.of_kind(RunKind::perturbation)) {
    table.rows.push_back({run->label, "1", percent({run->evidence_mass}), "-"});
  }
  return table;
}

}  // namespace notnot
