#pragma once
// A run folder as the report reads it. Words and attention weights stay on the disk until somebody asks for them: a
// report on 60 runs of long texts holds those of a few runs.
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/corpora/corpus.h"
#include "engine/corpora/planted_truth.h"
#include "engine/runs/attention.h"
#include "engine/runs/run_metrics.h"
#include "experiments/report/epoch_choice.h"
#include "experiments/report/evidence_scores.h"
#include "experiments/report/guide_scores.h"
#include "experiments/study/paper_numbers.h"
#include "experiments/study/run_config.h"

namespace notnot {

/// The exact adversaries for one allowed change of the probability. [texts] of the test split.
struct ExactAttack {
  double epsilon = 0;       ///< the change
  std::vector<double> jsd;  ///< from the attention of the attacked model
  std::vector<double> tvd;  ///< from its predictions
};

struct LoadedRun {
  std::filesystem::path path;
  RunConfig config;
  /// Names the run in its study, where no other run has the label: "Base", or longer where there are several base
  /// models.
  std::string label;
  /// Why the run cannot be used; empty for a finished run. Only a finished run has the members below.
  std::string unfinished;

  int32_t epochs_trained = 0;
  double train_seconds = 0;                 ///< of all epochs, without evaluation
  RunResult result;                         ///< only of a run that trained
  AttributionResult attribution;            ///< only of an attribution
  std::optional<EpochChoice> epoch_choice;  ///< only if a ROC-AUC chose the epoch, and those of both splits are defined
  /// [texts] of the test split. For a perturbation run: the predictions under its per-instance adversary.
  std::vector<float> probability;
  /// The distance from the attention and the predictions of the study's reference (loaded_study.h).
  Divergences from_reference;
  /// For an adversary or a perturbation: the distance from the base model that it attacks; empty when the study does
  /// not have that model.
  Divergences from_attacked;
  /// The attention against the importance of the words of the planted corpus; all NaN on other data.
  AttentionScores attention_scores;
  /// Nothing for a perturbation, for a run that an earlier version finished, and on other data.
  std::optional<Reliance> reliance;
  /// Only for a guided model, and nothing if an earlier version finished it.
  std::optional<GuideScores> guide_scores;
  /// For an adversary of the study's reference: its mean JSD from it on the development split; otherwise NaN.
  double dev_jsd = kNoNumber;
  /// [texts] Only for a perturbation: the median |change of p| under permutations of the attention.
  std::vector<double> permutation_change;

  /// Only for a perturbation, by ascending epsilon; empty if an earlier version finished it, and when the study does not
  /// have the model that it attacks.
  std::vector<ExactAttack> exact;

  const RunSpec& spec() const { return config.spec; }
  const std::string& dataset() const { return config.data.dataset; }
  /// The folder's name. Other runs name this run by it.
  std::string name() const { return path.filename().string(); }
  /// Whether the run is on the built-in corpus, whose evidence words are known (engine/corpora/planted_corpus.h).
  bool planted() const { return config.data.corpus == kPlantedReader; }
  /// The options of the built-in corpus; the defaults where the configuration has none.
  PlantedOptions planted_options() const { return config.data.planted.value_or(PlantedOptions{}); }
  const Classification& test() const { return result.split.test; }
  /// Whether an adversary was stopped by its limit of epochs with its best epoch among the last
  /// TrainingOptions::patience: without the limit it would have gone on.
  bool cut_off() const;
};

/// The runs of `folders`, each of which is a run folder or holds run folders; in the order of `folders`, the runs of
/// one folder in the order of their names. Throws InputError when a folder is neither, when a run is given twice, when
/// a run is damaged, and when it is of an earlier version, which recorded no checksums.
std::vector<LoadedRun> read_runs(const std::vector<std::filesystem::path>& folders);

/// The run's attention on the test split. For a perturbation run: the attention of its per-instance adversary. The run
/// must be finished.
Attention test_attention(const LoadedRun& run);

/// The words of a text, without the boundary tokens.
struct TextWords {
  std::vector<std::string> words;
  std::set<size_t> unknown;  ///< places of the words that are not in the vocabulary
  /// Only on the planted corpus: the importance of each word, and what its rule says (planted_truth.h). A word that
  /// models cannot know has none.
  PlantedTruth truth = {};

  /// Whether word i has importance; false on other data.
  bool is_evidence(size_t i) const { return i < truth.importance.size() && truth.importance[i] > 0; }
};

/// The words of some texts of the test split, by index. `rows` and `offsets` are Attention's. Throws InputError when
/// predictions.jsonl is damaged at these texts, or has other texts.
std::map<size_t, TextWords> read_words(const LoadedRun& run, const std::set<size_t>& texts,
                                       const std::vector<int64_t>& rows, const std::vector<int64_t>& offsets);

/// A measure of attribution for people, with a capital letter: "Input × gradient, attention held". Commands have
/// other words for it (to_string).
std::string title_of(Measure measure);
/// The same within a sentence: "input × gradient, attention held".
std::string in_words(Measure measure);
/// The kind of the run, for people: "Base", "MLP guided by the base model", "Adversary, λ = 0.001".
std::string title_of(const LoadedRun& run);
/// The same of a run that is not loaded. Attention from elsewhere must not have a label that is the name of a run.
std::string title_of(const std::string& dataset, const RunSpec& spec);

}  // namespace notnot
