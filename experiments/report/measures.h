#pragma once
// The circumstances of a study in words: for the notes below tables and for the page.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "experiments/format/result_table.h"
#include "experiments/report/model_groups.h"

namespace notnot {

/// The answers of `describe` for all runs, each once, empty answers left out: "a; b".
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
/// The word vectors of a run that has some: "wiki.vec, 300 wide, for 11,171 of 13,826 words".
std::string vectors_in_words(const LoadedRun& run);
/// "", or "0.5 " before |Δp|.
std::string tvd_factor_in_words(double factor);
/// "TVD = 0.5 |Δp| as in the published numbers. ", for the note of a table.
std::string tvd_note(const LoadedStudy& study);
/// "10", or "10, 2 and 50".
std::string seeds_in_words(const std::vector<const LoadedRun*>& runs);

/// The conditions under which the study's numbers came about, for the note of every table: the data, the vectors, the choice
/// of the epoch.
std::string conditions(const LoadedStudy& study);
/// Whether the test split has as many texts of each class as the paper's; true where the paper does not have the data set.
bool is_papers_test_split(const LoadedStudy& study);

/// The rows of a group in a table of F1: its first run and, with several runs, their mean over the seeds. With `papers` there
/// are two columns more, the paper's F1 and the difference.
std::vector<std::vector<std::string>> f1_rows(const ModelGroup& group, bool papers);
/// Which seeds the means of f1_rows are over, as a sentence for the note.
std::string seeds_note(const std::vector<ModelGroup>& groups);

/// A row per comparison: the difference of F1 with its intervals.
ResultTable comparison_table(const LoadedStudy& study, const std::string& name, const std::string& caption,
                             const std::vector<F1Comparison>& comparisons);

}  // namespace notnot
