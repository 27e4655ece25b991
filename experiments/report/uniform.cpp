#include "experiments/report/uniform.h"

#include <fmt/format.h>

#include <cmath>

#include "experiments/report/measures.h"

namespace notnot {
namespace {

std::string spread_of(const ModelGroup& group) {
  return fmt::format("{} {} (n = {})", group.name, mean_and_spread(group.f1()), group.runs.size());
}

/// What the paper says about the data set. Its gains from attention are 0.069, 0.039 and 0.023 on Diabetes, Anemia and
/// IMDb, and 0.009, 0.008 and 0.004 on the others: "little to no improvement".
bool claims_a_gain(const PaperResults& paper) { return paper.base_f1 - paper.uniform_f1 > kLittleGain; }

std::string claim_on(const LoadedStudy& study) {
  if (!has_claims(study)) return no_claim_in_words(study);
  const PaperResults& paper = *study.paper();
  if (claims_a_gain(paper)) {
    return "Attention helps on this data set: the base model classifies better than its twin with uniform attention "
           "(section 3.2, Table 2).";
  }
  const bool is_news = std::isnan(paper.guides.base);
  return fmt::format(
      "Attention brings little to no improvement on this data set: base and uniform differ by at most {:g} (section "
      "3.2, Table 2).{}",
      kLittleGain, is_news ? " So it is no test case for attention as an explanation." : "");
}

Finding gain_from_attention(const LoadedStudy& study) {
  Finding finding{.title = "What attention adds", .claim = claim_on(study), .of_paper = has_claims(study)};
  const auto groups = attention_groups(study);
  const auto difference = groups.size() < 2 ? std::nullopt : compare(study, groups[0], groups[1]);
  if (!difference) {
    finding.obstacle = "no base model stands beside a uniform model of its seed; `notnot uniform` trains them";
    return finding;
  }
  const bool gain = !finding.of_paper || claims_a_gain(*study.paper());
  const auto test = [&](const UncertainMean& estimate) {
    return gain ? above_zero(difference->name(), estimate) : equal_within(difference->name(), estimate, kLittleGain);
  };
  const auto seeds = common_seeds(groups);
  finding.tests = {of_f1_difference(test(difference->f1))};
  if (difference->roc_auc) finding.by_roc_auc = {test(*difference->roc_auc)};
  finding.remark =
      fmt::format("F1: {}, {}.", spread_of(with_seeds(groups[0], seeds)), spread_of(with_seeds(groups[1], seeds)));
  return finding;
}

Finding published_table2(const LoadedStudy& study) {
  return published_f1(study, "Table 2", attention_groups(study), has_claims(study));
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
    section.html += exhibits.table(comparison_table(study, "table2-differences", "Base minus uniform", {*comparison}));
  }
  return section;
}

}  // namespace

Part uniform_part() { return {.section = uniform_section, .findings = {gain_from_attention, published_table2}}; }

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
