#include "experiments/report/uniform.h"

#include <fmt/format.h>

#include "experiments/report/measures.h"

namespace notnot {
namespace {

std::string spread_of(const ModelGroup& group) {
  return fmt::format("{} {} (n = {})", group.name, mean_and_spread(group.f1()), group.runs.size());
}

Finding base_above_uniform(const LoadedStudy& study) {
  Finding finding{
      .title = "Attention helps",
      .claim =
          "The base model classifies better than its twin with uniform attention (Table 2). On SST and the "
          "news sets the paper itself finds only a small difference.",
      .verdict = Verdict::cannot_be_told,
      .reason = "There is no base model beside a uniform model of the same seed; `notnot uniform` trains them."};
  const auto groups = attention_groups(study);
  if (groups.size() < 2) return finding;
  const auto difference = compare(study, groups[0], groups[1]);
  if (!difference) return finding;
  const auto seeds = common_seeds(groups);
  finding.reason = fmt::format("F1: {}, {}. {}", spread_of(with_seeds(groups[0], seeds)),
                               spread_of(with_seeds(groups[1], seeds)), sentences({*difference}));
  if (difference->above()) finding.verdict = Verdict::agrees;
  if (difference->below()) finding.verdict = Verdict::disagrees;
  if (finding.verdict == Verdict::cannot_be_told) finding.reason += " The interval contains zero.";
  return finding;
}

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

}  // namespace

Part uniform_part() { return {.section = uniform_section, .findings = {base_above_uniform}}; }

ResultTable attention_table(const LoadedStudy& study) {
  const bool papers = study.paper() != nullptr;
  ResultTable table{.name = study.key + "-table2",
                    .caption = fmt::format("F1 with learned and with uniform attention on {} (Table 2)", study.title()),
                    .note = "F1 of the positive class on the test split. " + conditions(study),
                    .header = {"Attention", "Seed", "F1"},
                    .rows = {},
                    .left = 2};
  if (papers) table.header.insert(table.header.end(), {"Paper's F1", "Difference"});
  table.header.insert(table.header.end(), {"ROC-AUC", "Accuracy"});
  if (papers) table.header.emplace_back("Jain & Wallace's F1");
  const auto groups = attention_groups(study);
  for (const ModelGroup& group : groups) {
    for (auto& row : f1_rows(group, common_seeds(groups), papers)) {
      if (papers) row.push_back(three_decimals(group.jain_wallace_f1));
      table.rows.push_back(std::move(row));
    }
  }
  table.note += seeds_note(groups);
  if (!papers) table.note += " The paper has no numbers for this data set.";
  return table;
}

}  // namespace notnot
