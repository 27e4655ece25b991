#pragma once
// The circumstances of a study in words, for the notes below tables and for the page; and tables of F1.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "experiments/format/result_table.h"
#include "experiments/report/comparisons.h"

namespace notnot {

/// The answers of `describe` for all runs, as "a; b". Each answer stands there once; empty ones are left out.
template <class Describe>
std::string distinct_answers(const std::vector<LoadedRun>& runs, Describe describe) {
  std::vector<std::string> answers;
  for (const LoadedRun& run : runs) {
    std::string answer = describe(run);
    if (!answer.empty() && std::find(answers.begin(), answers.end(), answer) == answers.end()) {
      answers.push_back(std::move(answer));
    }
  }
  return fmt::format("{}", fmt::join(answers, "; "));
}

/// Where the texts come from: "sst, as many test texts of each class as in the paper".
std::string data_in_words(const LoadedStudy& study);
/// The word vectors of a run that was given some: "wiki.vec, 300 wide, for 11,171 of 13,826 words".
std::string vectors_in_words(const LoadedRun& run);
/// The factor that stands before |Δp|: "" for 1, otherwise "0.5 ".
std::string tvd_factor_in_words(double factor);
/// "TVD: total variation distance of the predictions, 0.5 |Δp| as in the published numbers. ": for the note of a table.
std::string tvd_note(const LoadedStudy& study);
/// "10", or "10, 2 and 50".
std::string seeds_in_words(const std::vector<const LoadedRun*>& runs);

/// Where the study's numbers come from, for the note of every table: the data, the word vectors, the choice of the
/// epoch.
std::string conditions(const LoadedStudy& study);
/// The options with which runs were trained differently, as a warning in one sentence of plain text: a difference
/// between such runs need not come from what the paper compares. Empty if all runs were trained alike.
std::string training_caveat(const LoadedStudy& study);
/// Whether the test split has as many texts of each class as the paper's; true where the paper does not have the data
/// set.
bool is_papers_test_split(const LoadedStudy& study);

/// The rows of a group in a table of F1: its first run; with several runs, their mean over the seeds; and if it has
/// seeds beside those in `common` (common_seeds of the table's groups), the mean over the common ones. With `papers`
/// the rows have two more columns, the paper's F1 and the difference.
std::vector<std::vector<std::string>> f1_rows(const ModelGroup& group, const std::vector<uint64_t>& common,
                                              bool papers);
/// The seeds over which f1_rows takes means, as a sentence for the note. Empty if every group has one run.
std::string seeds_note(const std::vector<ModelGroup>& groups);

/// Two rows per comparison: the difference of F1 and that of ROC-AUC, with the parts of their standard errors.
ResultTable comparison_table(const LoadedStudy& study, const std::string& name, const std::string& caption,
                             const std::vector<Comparison>& comparisons);

}  // namespace notnot
