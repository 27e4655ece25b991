#pragma once
// From the arguments of a command to finished runs: the plan, the runs, and their summary.
#include <filesystem>
#include <list>
#include <set>
#include <string>
#include <vector>

#include "experiments/commands/study_arguments.h"

namespace notnot {

/// A data set, the tests to run on it, and the runs that are planned so far.
struct Study {
  Inputs inputs;
  std::set<PaperTest> tests;
  std::vector<RunSpec> runs;
};
/// A list, because jobs point to the inputs.
using Studies = std::list<Study>;

/// A study of the data set `dataset`; loads its texts and vectors.
Study make_study(const StudyArguments& arguments, const std::string& dataset, const std::set<PaperTest>& tests);

/// Runs all tests of all studies and prints a summary; with --plan prints only the plan. If `out` is not empty, writes
/// the report there; with `force` even if it holds files of others (report_folder.h). Throws InputError where the runs
/// cannot start, Error when some failed, and Interrupted when the user asks to stop.
void run_studies(const StudyArguments& arguments, Studies& studies, const std::filesystem::path& out,
                 bool force = false);

/// The same for `study.runs`, which look at a finished run and lie beside it: no summary, and nothing follows.
void run_beside(const StudyArguments& arguments, Study& study);

/// Runs one test of the paper on the data set of --dataset.
void run_test(const StudyArguments& arguments, PaperTest test);

}  // namespace notnot
