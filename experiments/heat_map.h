#pragma once
// Test texts with their attention, a row per run: which texts to show, and how.
#include <string>
#include <vector>

#include "experiments/reported_run.h"

namespace notnot {

/// Texts of one kind, e.g. "Undecided".
struct TextGroup {
  std::string title, rule;
  std::vector<size_t> texts;  ///< indices into ReportedRun::test, distinct over all groups; may be empty
};

/// The run whose probabilities choose the texts and which the others are compared with: the first base model, else the
/// first run.
size_t reference_run(const std::vector<ReportedRun>& runs);

/// Jensen-Shannon divergence of the attention of two runs on the same text, 0 to ln 2.
double divergence(const TestText& a, const TestText& b);

/// Deterministic: texts of at most kLongestShown words (of any length where all are longer), equal scores in the order
/// of the test split, no text twice. Two that are confident and right (one of each class), two that are confident and
/// wrong, three nearest to 0.5 and, with several runs, three whose attention differs most from the reference's.
inline constexpr size_t kLongestShown = 60;
std::vector<TextGroup> choose_texts(const std::vector<ReportedRun>& runs);

/// The section of the page: how to read it, the legend and the groups.
std::string heat_map_section(const std::vector<ReportedRun>& runs);

}  // namespace notnot
