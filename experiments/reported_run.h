#pragma once
// A finished run folder as the report reads it.
#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/run_folder.h"
#include "experiments/paper_numbers.h"

namespace notnot {

/// A line of predictions.jsonl. Boundary tokens are left out.
struct TestText {
  int64_t id = 0;
  int32_t label = 0;  ///< 0 or 1
  double probability = 0;
  std::vector<std::string> tokens;
  std::vector<double> attention;  ///< [tokens] sums to 1

  int32_t predicted() const { return probability > 0.5 ? 1 : 0; }
};

struct ReportedRun {
  std::filesystem::path path;
  std::string label;  ///< "Base", or longer where several runs of the report are of that model: unique among them
  PaperModel model = PaperModel::base;
  std::string dataset, data;  ///< the name, and the file or folder that was read (empty: built in)
  uint64_t seed = 0;
  int32_t epochs = 0, hidden = 0, embed = 0;
  std::string vectors, init;  ///< file names; empty: none
  int32_t vocabulary = 0;
  int64_t words_with_vectors = 0;
  std::array<std::array<int64_t, 2>, 3> texts{};  ///< by SplitName, then label
  bool synthetic = false;                         ///< the texts are made up in place of real ones
  std::string device, version, commit;
  double train_seconds = 0;  ///< all epochs
  RunResult result;
  std::vector<TestText> test;

  /// The built-in corpus, whose evidence words are known (engine/planted_corpus.h).
  bool planted() const { return dataset == "planted" && data.empty(); }
};

/// The runs of one report, labelled, in the order given; at least one. Throws InputError when a folder is no run, or an
/// unfinished or damaged one, when one is given twice, and when the runs were not tested on the same texts.
std::vector<ReportedRun> load_runs(const std::vector<std::filesystem::path>& folders);

/// How much of the text's attention lies on the planted corpus's evidence words, 0 to 1.
double evidence_mass(const TestText& text);

}  // namespace notnot
