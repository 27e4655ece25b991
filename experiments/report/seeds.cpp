#include "experiments/report/seeds.h"

#include <fmt/format.h>

#include <numbers>

#include "engine/math/statistics.h"
#include "experiments/report/by_class.h"

namespace notnot {
namespace {

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

Section seeds_section(const LoadedStudy& study, const Exhibits& exhibits) {
  Section section{study.key + "-seeds", "Random seeds (Figure 3)", "", "seeds"};
  const auto figure = seed_violins(study);
  if (!figure) return section;
  section.html =
      "<p>How far does attention move when nothing but the seed changes? If the violins lie far to the right, the "
      "attention is arbitrary, and an adversary that goes as far shows nothing.</p>\n" +
      exhibits.figure(*figure, study.key + "-figure3-seeds",
                      violin_caption("the text&#39;s median JSD over the other seeds"),
                      violin_alt_text(study, "the JSD between seeds")) +
      exhibits.table(seed_table(study));
  return section;
}

}  // namespace

Part seeds_part() { return {.section = seeds_section}; }

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
