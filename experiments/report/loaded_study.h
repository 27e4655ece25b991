#pragma once
// The runs of the paper's tests on one data set, and how far each is from the base model.
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "engine/corpora/published.h"
#include "experiments/report/loaded_run.h"
#include "experiments/study/paper_numbers.h"

namespace notnot {

struct LoadedStudy {
  std::string dataset;
  std::string key;  ///< for file names and anchors: unique in the report, letters, digits and hyphens alone
  /// The folder in which the runs lie, where the report has several studies of the data set; else empty.
  std::string folder;
  std::vector<LoadedRun> runs;    ///< finished; by kind, then lambda, then seed, the base seed first; may be empty
  std::vector<LoadedRun> unused;  ///< failed and unfinished ones
  uint64_t base_seed = kPaperSeed;

  /// What the others are compared with: the base model of the base seed; without one the first base model, else the
  /// first run.
  size_t reference = 0;
  double tvd_factor = 0.5;  ///< of the adversaries; see divergences()

  // Of the test split, [texts].
  std::vector<int32_t> label;
  std::vector<int64_t> row, offsets;     ///< Attention's
  std::vector<float> largest_attention;  ///< of a text, under the reference

  const LoadedRun& reference_run() const { return runs[reference]; }
  bool has_base() const { return reference_run().spec.kind == RunKind::base; }
  const LoadedRun& any_run() const { return runs.empty() ? unused.front() : runs.front(); }
  bool planted() const { return any_run().planted(); }
  bool synthetic() const { return any_run().synthetic; }
  const PaperResults* paper() const { return planted() ? nullptr : find_in_paper(dataset); }
  const PublishedCorpus* published() const { return planted() ? nullptr : find_published(dataset); }
  /// For people: "Stanford Sentiment Treebank (SST)".
  std::string title() const;
  /// By label, as people call them.
  std::array<std::string, 2> classes() const;

  std::vector<const LoadedRun*> of_kind(RunKind kind) const;
  /// The run of the kind and seed, null without one; not for kinds that need another run.
  const LoadedRun* find(RunKind kind, uint64_t seed) const;
  /// The run whose attention `run` uses; null when it is not among the runs.
  const LoadedRun* other_of(const LoadedRun& run) const;
};

/// The seed whose base model has the most adversaries, then the most runs that use it; else 10, else the first.
uint64_t base_seed(std::span<const LoadedRun> runs);

/// The report's studies: one per data set, in the order in which they are first met; where two runs of a data set have
/// the same spec, one per folder that holds runs of it. Throws InputError as read_runs does, when two runs of a folder
/// have the same spec, when runs of a study were not tested on the same texts, and when none is finished.
std::vector<LoadedStudy> load_studies(const std::vector<std::filesystem::path>& folders);

}  // namespace notnot
