#include "experiments/report/erasure.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "engine/io/input_error.h"
#include "engine/math/multiple_testing.h"
#include "engine/math/rationale_scores.h"
#include "engine/runs/run_folder.h"
#include "experiments/report/comparisons.h"
#include "experiments/report/definitions.h"
#include "experiments/report/measures.h"

namespace notnot {
namespace {

using Values = std::vector<double> ErasedMeasure::*;

// --- reading ---------------------------------------------------------------------------------------------------------

void append(std::vector<double>& values, const std::vector<double>& more) {
  values.insert(values.end(), more.begin(), more.end());
}

std::vector<double> never_flips(const std::vector<int32_t>& sizes) {
  std::vector<double> never;
  never.reserve(sizes.size());
  for (const int32_t size : sizes) never.push_back(size == -1 ? 1 : 0);
  return never;
}

/// 1 for the words that are known to be the reason, [tokens]; empty where nothing is known.
std::vector<int32_t> evidence_of(const LoadedStudy& study, const Erasure& erasure) {
  if (study.importance.empty()) return erasure.rationale;
  std::vector<int32_t> evidence;
  for (const double importance : study.importance) evidence.push_back(importance > 0 ? 1 : 0);
  return evidence;
}

void add_rationale_scores(const Attributions& attributions, const std::vector<int32_t>& evidence,
                          ErasedMeasure& measure) {
  if (evidence.empty()) return;
  for (int32_t i = 0; i < attributions.size(); ++i) {
    const size_t first = attributions.offsets[i] + 1, words = attributions.offsets[i + 1] - 1 - first;
    std::vector<float> scores(words);
    for (size_t n = 0; n < words; ++n) scores[n] = std::abs(attributions.score_probability[first + n]);
    const RationaleScores found = rationale_scores(scores, std::span(evidence).subspan(first, words));
    measure.average_precision.push_back(found.average_precision);
    measure.token_f1.push_back(found.token_f1);
    measure.chance.push_back(found.chance);
  }
}

template <class File>
void check_same_texts(const LoadedStudy& study, const LoadedRun& run, const File& file) {
  if (file.offsets == study.offsets && file.row == study.row && file.label == study.label) return;
  throw InputError(fmt::format("{} and {} are not of the same texts; make the attribution again with --retrain",
                               run.path.string(), study.reference_run().path.string()));
}

void add_run(const LoadedStudy& study, const LoadedRun& run, ErasedMeasure& measure) {
  const RunFolder folder(run.path);
  const Erasure erasure = folder.erasure(SplitName::test);
  const Attributions attributions = folder.attributions(SplitName::test);
  check_same_texts(study, run, erasure);
  check_same_texts(study, run, attributions);
  measure.seeds.push_back(run.spec().seed);
  append(measure.flip_share, flip_shares(erasure, erasure.flip_size));
  append(measure.smallest_flip_share, flip_shares(erasure, erasure.smallest_flip_size));
  append(measure.never, never_flips(erasure.flip_size));
  append(measure.smallest_never, never_flips(erasure.smallest_flip_size));
  append(measure.comprehensiveness_probability, mean_over_shares(erasure.comprehensiveness_probability));
  append(measure.comprehensiveness_logit, mean_over_shares(erasure.comprehensiveness_logit));
  append(measure.sufficiency_probability, mean_over_shares(erasure.sufficiency_probability));
  append(measure.sufficiency_logit, mean_over_shares(erasure.sufficiency_logit));
  add_rationale_scores(attributions, evidence_of(study, erasure), measure);
}

bool is_of_base_model(const LoadedRun& run) {
  const std::vector<SplitName>& splits = run.spec().splits;
  return run.spec().model == RunKind::base && std::count(splits.begin(), splits.end(), SplitName::test) > 0;
}

/// What deleting words changes, with the names of the columns.
const std::array<std::pair<const char*, Values>, 4> kEraserValues = {
    std::pair{"Comprehensiveness, p", &ErasedMeasure::comprehensiveness_probability},
    std::pair{"Sufficiency, p", &ErasedMeasure::sufficiency_probability},
    std::pair{"Comprehensiveness, logit", &ErasedMeasure::comprehensiveness_logit},
    std::pair{"Sufficiency, logit", &ErasedMeasure::sufficiency_logit}};

// --- tables ----------------------------------------------------------------------------------------------------------

using Row = std::vector<std::string>;

/// Adds two cells, the estimate and its interval "[0.590, 0.634]"; "-" where one text, or one group, cannot have any.
void add_estimate(const CrossedBootstrap& bootstrap, std::string (*number)(double), Row& row) {
  const Interval interval = bootstrap.interval(0.95);
  row.push_back(number(bootstrap.estimate));
  row.push_back(bootstrap.groups < 2 ? "-" : fmt::format("[{}, {}]", number(interval.low), number(interval.high)));
}

void add_mean(const LoadedStudy& study, std::span<const double> values, size_t seeds, Row& row) {
  add_estimate(crossed_mean(study, values, seeds), three_decimals, row);
}

double share_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// For the notes.
std::string about_intervals(const LoadedStudy& study, const std::vector<ErasedMeasure>& measures) {
  return crossed_intervals_in_words(study, measures) + conditions(study);
}

/// The values of `measure` on these of its seeds, [seeds, texts].
std::vector<double> on_seeds(const ErasedMeasure& measure, Values values, const std::vector<uint64_t>& seeds) {
  const size_t texts = (measure.*values).size() / measure.seeds.size();
  std::vector<double> result;
  for (const uint64_t seed : seeds) {
    const auto at = std::find(measure.seeds.begin(), measure.seeds.end(), seed) - measure.seeds.begin();
    const auto begin = (measure.*values).begin() + at * static_cast<int64_t>(texts);
    result.insert(result.end(), begin, begin + static_cast<int64_t>(texts));
  }
  return result;
}

std::vector<uint64_t> seeds_of_both(const ErasedMeasure& a, const ErasedMeasure& b) {
  std::vector<uint64_t> seeds;
  for (const uint64_t seed : a.seeds) {
    if (std::count(b.seeds.begin(), b.seeds.end(), seed) > 0) seeds.push_back(seed);
  }
  return seeds;
}

CrossedBootstrap difference(const LoadedStudy& study, const ErasedMeasure& measure, const ErasedMeasure& attention,
                            Values values, const std::vector<uint64_t>& seeds) {
  std::vector<double> table = on_seeds(measure, values, seeds);
  const std::vector<double> base = on_seeds(attention, values, seeds);
  for (size_t i = 0; i < table.size(); ++i) table[i] -= base[i];
  return crossed_mean(study, table, seeds.size());
}

/// The measure whose runs are of the most base models.
const ErasedMeasure& of_most_seeds(const std::vector<ErasedMeasure>& measures) {
  return *std::max_element(measures.begin(), measures.end(),
                           [](const auto& a, const auto& b) { return a.seeds.size() < b.seeds.size(); });
}

/// A paragraph of the section, whose terms link to their definitions.
constexpr const char* kIntroduction =
    "Which words does a model need? For each measure of attribution, words are erased by its absolute score, the "
    "largest "
    "first. Good orders have few words erased until the decision flips, a high comprehensiveness and a low "
    "sufficiency. "
    "A random order is what every measure must beat.";

Section erasure_section(const LoadedStudy& study, const Exhibits& exhibits) {
  Section section{study.key + "-erasure", "Erasure", "", "attribute"};
  const std::vector<ErasedMeasure> measures = erased_measures(study);
  if (measures.empty()) return section;
  section.html = fmt::format("<p>{}</p>\n", with_definitions(kIntroduction));
  for (const ResultTable& table : {flip_table(study, measures), eraser_table(study, measures),
                                   erasure_difference_table(study, measures), rationale_table(study, measures)}) {
    if (!table.rows.empty()) section.html += exhibits.table(table);
  }
  return section;
}

}  // namespace

Part erasure_part() { return {.section = erasure_section}; }

std::vector<ErasedMeasure> erased_measures(const LoadedStudy& study) {
  std::vector<ErasedMeasure> measures;
  for (const Measure measure : kMeasures) {
    ErasedMeasure found;
    found.measure = measure;
    for (const LoadedRun& run : study.attributions) {
      const bool is_new = std::count(found.seeds.begin(), found.seeds.end(), run.spec().seed) == 0;
      if (run.spec().measure == measure && is_of_base_model(run) && is_new) add_run(study, run, found);
    }
    if (!found.seeds.empty()) measures.push_back(std::move(found));
  }
  return measures;
}

ResultTable flip_table(const LoadedStudy& study, const std::vector<ErasedMeasure>& measures) {
  ResultTable table{.name = study.key + "-flips",
                    .caption = fmt::format("Words erased until the decision flips, on {}", study.title()),
                    .note =
                        "Words erased: mean share of a text's words. Never: the share of the texts whose decision does "
                        "not flip even without any word; they count as 1. Excess: the mean share beyond the optimum. " +
                        about_intervals(study, measures),
                    .header = {"Order", "Seeds", "Words erased", "Interval", "Excess", "Interval (excess)", "Never"},
                    .rows = {},
                    .left = 1};
  if (measures.empty()) return table;
  const ErasedMeasure& most = of_most_seeds(measures);
  Row& optimum = table.rows.emplace_back(Row{"Optimum", fmt::format("{}", most.seeds.size())});
  add_mean(study, most.smallest_flip_share, most.seeds.size(), optimum);
  optimum.insert(optimum.end(), {"-", "-", three_decimals(share_of(most.smallest_never))});
  for (const ErasedMeasure& m : measures) {
    std::vector<double> excess = m.flip_share;
    for (size_t i = 0; i < excess.size(); ++i) excess[i] -= m.smallest_flip_share[i];
    Row& row = table.rows.emplace_back(Row{title_of(m.measure), fmt::format("{}", m.seeds.size())});
    add_mean(study, m.flip_share, m.seeds.size(), row);
    add_mean(study, excess, m.seeds.size(), row);
    row.push_back(three_decimals(share_of(m.never)));
  }
  return table;
}

ResultTable eraser_table(const LoadedStudy& study, const std::vector<ErasedMeasure>& measures) {
  ResultTable table{.name = study.key + "-comprehensiveness",
                    .caption = fmt::format("Comprehensiveness and sufficiency on {}", study.title()),
                    .note =
                        "p: of the predicted class's probability; logit: of its logit, by which texts can be "
                        "compared where the probability is near 1. " +
                        about_intervals(study, measures),
                    .header = {"Order", "Seeds"},
                    .rows = {},
                    .left = 1};
  for (const ErasedMeasure& m : measures) {
    table.rows.push_back({title_of(m.measure), fmt::format("{}", m.seeds.size())});
    for (const auto& [name, values] : kEraserValues) add_mean(study, m.*values, m.seeds.size(), table.rows.back());
  }
  for (const auto& [name, values] : kEraserValues) {
    std::string lower = name;
    lower.front() = static_cast<char>(lower.front() - 'A' + 'a');
    table.header.insert(table.header.end(), {name, fmt::format("Interval ({})", lower)});
  }
  return table;
}

ResultTable erasure_difference_table(const LoadedStudy& study, const std::vector<ErasedMeasure>& measures) {
  ResultTable table{.name = study.key + "-erasure-differences",
                    .caption = fmt::format("Erasure against attention on {}", study.title()),
                    .note =
                        "Each order's value minus that of attention, on the same seeds and texts. Fewer words "
                        "erased, a higher comprehensiveness and a lower sufficiency are better than attention's. "
                        "p: of no difference, all of the table corrected together (Holm). " +
                        about_intervals(study, measures),
                    .header = {"Order", "Value", "Seeds", "Difference", "Interval", "p (Holm)"},
                    .rows = {},
                    .left = 2};
  if (measures.empty() || measures.front().measure != Measure::attention) return table;
  const ErasedMeasure& attention = measures.front();
  std::vector<std::pair<const char*, Values>> all = {{"Words erased", &ErasedMeasure::flip_share}};
  all.insert(all.end(), kEraserValues.begin(), kEraserValues.end());
  std::vector<double> p_values;
  std::vector<size_t> judged;  // the rows that have one
  for (const ErasedMeasure& m : measures) {
    const std::vector<uint64_t> seeds = seeds_of_both(m, attention);
    if (m.measure == Measure::attention || seeds.empty()) continue;
    for (const auto& [name, values] : all) {
      const CrossedBootstrap bootstrap = difference(study, m, attention, values, seeds);
      Row& row = table.rows.emplace_back(Row{title_of(m.measure), name, fmt::format("{}", seeds.size())});
      add_estimate(bootstrap, signed_three_decimals, row);
      row.emplace_back("-");
      if (!can_be_told(study, seeds.size()) || bootstrap.replicates.empty()) continue;
      judged.push_back(table.rows.size() - 1);
      p_values.push_back(bootstrap.p_value());
    }
  }
  const std::vector<double> corrected = holm(p_values);
  for (size_t i = 0; i < judged.size(); ++i) table.rows[judged[i]].back() = three_decimals(corrected[i]);
  return table;
}

ResultTable rationale_table(const LoadedStudy& study, const std::vector<ErasedMeasure>& measures) {
  ResultTable table{.name = study.key + "-rationales",
                    .caption = fmt::format("Which order finds the evidence, on {}", study.title()),
                    .note = {},
                    .header = {"Order", "Seeds", "Average precision", "Interval (average precision)", "Token F1",
                               "Interval (token F1)"},
                    .rows = {},
                    .left = 1};
  if (measures.empty() || measures.front().chance.empty()) return table;
  const ErasedMeasure& most = of_most_seeds(measures);
  const CrossedBootstrap chance = crossed_mean(study, most.chance, most.seeds.size());
  if (chance.texts == 0) return table;
  for (const ErasedMeasure& m : measures) {
    Row& row = table.rows.emplace_back(Row{title_of(m.measure), fmt::format("{}", m.seeds.size())});
    add_mean(study, m.average_precision, m.seeds.size(), row);
    add_mean(study, m.token_f1, m.seeds.size(), row);
  }
  table.rows.push_back({"Chance", "-", "-", "-", three_decimals(chance.estimate), "-"});
  table.note = fmt::format(
      "Evidence: {}. Average precision: the area under the curve of precision against recall when words are taken by "
      "their absolute scores. Token F1: that of as many words as the text has evidence. Means over the {} texts that "
      "have evidence words and others; {} have not. {}",
      study.importance.empty() ? "the words that the column rationale marks"
                               : "the words that have importance by the rule of the corpus",
      chance.texts, chance.left_out, about_intervals(study, measures));
  return table;
}

}  // namespace notnot
