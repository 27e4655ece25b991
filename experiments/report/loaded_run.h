#pragma once
// A run folder as the report reads it. Words and attention weights stay on the disk until they are asked for: a report
// on 60 runs of long texts holds those of a few.
#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/runs/attention.h"
#include "engine/runs/run_folder.h"
#include "experiments/study/run_spec.h"

namespace notnot {

struct LoadedRun {
  std::filesystem::path path;
  RunSpec spec;
  std::string dataset, data;  ///< the name, and the file or folder that was read (empty: built in)
  std::string label;          ///< "Base", or longer where the study has several such runs: unique in it

  // What it was started with.
  int32_t epochs = 0, hidden = 0, embed = 0;  ///< epochs: the most that it may train
  std::string precision;                      ///< of the LSTM's recurrence: "fp32" or "bf16x3"
  std::string select;                         ///< the split whose ROC-AUC chooses the epoch
  double tvd_factor = 0.5;                    ///< see divergences()
  std::string vectors, init, other_file;      ///< file names; empty: none
  int32_t vocabulary = 0;
  int64_t words_with_vectors = 0;
  BySplit<std::array<int64_t, 2>> texts;  ///< by label
  bool synthetic = false;                 ///< the texts are made up in place of real ones
  std::string device, version, commit;

  std::string unfinished;  ///< why the run cannot be used; empty for a finished one, which alone has what follows
  int32_t epochs_trained = 0;
  double train_seconds = 0;  ///< all epochs, without evaluation
  RunResult result;          ///< not of a perturbation

  /// On the test split [texts]; of a perturbation: what its adversary does to the predictions of the base model.
  std::vector<float> probability;
  /// From the attention and predictions of the study's reference (reported_study.h).
  Divergences from_reference;
  /// Of an adversary and a perturbation: from the base model that it attacks; empty when that is not in the study.
  Divergences from_attacked;
  /// Mean share of the attention on the evidence words of the planted corpus; NaN on other data.
  double evidence_mass = 0;
  std::vector<double> permutation_change;  ///< [texts] of a perturbation: median |change of p|

  /// The folder's name, by which other runs name it.
  std::string name() const { return path.filename().string(); }
  /// The built-in corpus, whose evidence words are known (engine/corpora/planted_corpus.h).
  bool planted() const { return dataset == "planted" && data.empty(); }
  const Classification& test() const { return result.split[SplitName::test]; }
};

/// The runs of the folders, each a run folder or one that holds run folders, in their order; those of one folder in the
/// order of their names. Throws InputError when a folder is neither, when a run is given twice, and when one is
/// damaged.
std::vector<LoadedRun> read_runs(const std::vector<std::filesystem::path>& folders);

/// Of a finished run, on the test split; of a perturbation its adversary's.
Attention test_attention(const LoadedRun& run);

/// The words of these texts of the test split, by index, boundary tokens left out. Throws InputError when
/// predictions.jsonl is damaged there, or not of the texts with these `rows` and `offsets` (Attention's).
std::map<size_t, std::vector<std::string>> read_words(const LoadedRun& run, const std::set<size_t>& texts,
                                                      const std::vector<int64_t>& rows,
                                                      const std::vector<int64_t>& offsets);

/// What kind of run it is, for people: "Base", "MLP guided by the base model", "Adversary, λ = 0.001".
std::string title_of(const RunSpec& spec);

}  // namespace notnot
