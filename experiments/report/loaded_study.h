#pragma once
// The runs of the paper's tests on one data set, and how far each is from the base model.
#include <algorithm>
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
  /// For file names and anchors: only letters, digits and hyphens; unique in the report, also where upper and lower
  /// case are the same.
  std::string key;
  /// The folder of the runs if the report has several studies of the data set; otherwise empty.
  std::string folder;
  /// The finished runs, sorted by kind, lambda and seed, the base seed first. May be empty.
  std::vector<LoadedRun> runs;
  std::vector<LoadedRun> attributions;  ///< the finished attributions, which are none of `runs`; likewise sorted
  std::vector<LoadedRun> unused;        ///< the failed and the unfinished runs
  uint64_t base_seed = kPaperSeed;

  /// All runs are compared with this one: the base model of the base seed; if there is none, the first base model; if
  /// there is none either, the first run.
  size_t reference = 0;
  double tvd_factor = 0.5;  ///< the factor of TVD that the adversaries were trained with; see divergences()

  /// Whether the page may have texts, their rows and what names a row. load_studies hides those of confidential texts.
  bool shows_texts = true;

  // The test split, [texts].
  std::vector<int32_t> label;
  std::vector<int64_t> row, offsets;     ///< as in Attention
  std::vector<float> largest_attention;  ///< the largest weight of a text under the reference
  /// The groups of texts that a bootstrap draws together (LabelledText::group), numbered from 0; a text without a group
  /// is one by itself. The numbers follow from what the reference says about the texts, so that a resample is the same
  /// in whatever order a file has them.
  std::vector<int32_t> cluster;
  int32_t clusters() const { return 1 + *std::max_element(cluster.begin(), cluster.end()); }
  /// effective_number of the sizes of the groups.
  double effective_clusters() const;
  int64_t texts_of_training_groups = 0;  ///< test texts whose group has training texts, too
  /// Whether some texts belong together.
  bool has_groups() const { return !cluster.empty() && clusters() < static_cast<int32_t>(cluster.size()); }

  // Only of the planted corpus; otherwise empty.
  std::vector<double> importance;       ///< [tokens] of the words; 0 at boundary tokens
  std::vector<float> rule_probability;  ///< [texts] 1 or 0 as the rule of the corpus says; 0.5 where it cannot tell

  const LoadedRun& reference_run() const { return runs[reference]; }
  bool has_base() const { return reference_run().spec().kind == RunKind::base; }
  const LoadedRun& any_run() const {
    if (!runs.empty()) return runs.front();
    return attributions.empty() ? unused.front() : attributions.front();
  }
  bool planted() const { return any_run().planted(); }
  bool synthetic() const { return any_run().config.data.synthetic; }
  /// Whether the texts may not be shared: one run that says so is enough.
  bool confidential() const;
  /// Which reader read the texts. It alone tells whether they are the paper's: a user's own file may be named imdb.csv.
  const std::string& corpus() const { return any_run().config.data.corpus; }
  const PaperResults* paper() const { return find_in_paper(corpus()); }
  const PublishedCorpus* published() const { return find_published(corpus()); }
  /// For people: "Stanford Sentiment Treebank (SST)".
  std::string title() const;
  /// The names of the two classes, by label.
  std::array<std::string, 2> classes() const;

  std::vector<const LoadedRun*> of_kind(RunKind kind) const;
  /// The run of this kind and seed; null without one. Only for kinds that need no other run.
  const LoadedRun* find(RunKind kind, uint64_t seed) const;
  /// The run whose attention `run` uses; null when the study does not have it.
  const LoadedRun* other_of(const LoadedRun& run) const;
  /// The base models except the reference.
  std::vector<const LoadedRun*> other_base_models() const;
  /// The run that perturbs the reference; null without one.
  const LoadedRun* perturbation_of_reference() const;
};

/// The seed of the base model that has the most adversaries. If several base models have as many, the one that most
/// runs use; if there are still several, the one with seed 10, otherwise the first. Without base models, the seed of
/// the first run.
uint64_t base_seed(std::span<const LoadedRun> runs);

/// The studies of a report: one per data set, in the order in which the data sets first occur. If two runs of a data
/// set have the same spec, there is one study per folder that holds runs on it. Throws InputError as read_runs does,
/// and when two runs of a folder have the same spec, when runs of a study have other inputs or were not tested on the
/// same texts, when a run learnt from other attention than the run has that it names, and when no run is finished.
/// Calls keep_private (engine/io/file_modes.h) if a run is on confidential texts.
std::vector<LoadedStudy> load_studies(const std::vector<std::filesystem::path>& folders);

}  // namespace notnot
