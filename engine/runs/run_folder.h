#pragma once
// A run folder holds the files of one training: the folder RUNS/NAME, whose files numpy, pandas and torch can read.
//
//   config.json               `choices`: what makes it this run, with the checksum of all that it read; `paths`: where
//                             that lay, for people; `version` and `commit` of the program
//   metrics.csv               a row per epoch: see EpochMetrics
//   checkpoint.safetensors    where training can resume; written by models/
//   model.safetensors         the parameters of the chosen epoch; written by models/
//   vocabulary.txt            a word per line, line k (from 1) holds id k-1
//   attention_SPLIT.safetensors  train, dev and test under the chosen epoch: see Attention
//   perturbation.safetensors  only of a perturbed model: see Perturbations
//   erasure_SPLIT.safetensors only of an attribution, for each of its splits: see Erasure
//   attribution_SPLIT.safetensors  only of an attribution, for each of its splits: see Attributions
//   ablation.safetensors      only of a model of the planted corpus, if this version finished it: see Ablation
//   guide_controls.safetensors  only of a model that attention guides, if this version finished it: see GuideControls
//   predictions.jsonl         the test split, an object per text: row, id (only if the data set has ids), label,
//                             probability, tokens, unknown (the places, from 0, of words outside the vocabulary),
//                             attention
//   result.json               the chosen epoch and its measures, or the means of a perturbation or an attribution, and
//                             the checksums of the files above (run_checksums.h); written last, so a folder that has it is finished
//   failure.json              only of a run that failed: its `reason`
//
// Every file is replaced as a whole (engine/io/files.h): a run killed at any moment leaves files that can be read.
#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/runs/attention.h"
#include "engine/runs/attributions.h"
#include "engine/runs/erasure.h"
#include "engine/runs/run_metrics.h"

namespace notnot {

/// What a user can do about a damaged file of a run that is not finished.
inline constexpr const char* kTrainAgain =
    "add --retrain in place of --resume, or remove the run folder and train again";

enum class RunState : uint8_t {
  absent,      ///< nothing was started here
  unfinished,  ///< started, but there is no checkpoint: start again
  resumable,   ///< started, and there is a checkpoint
  finished
};

/// The reading side. Cheap to make and copy; touches the disk only when asked. Readers throw InputError naming the
/// file, what is wrong with it and the remedy.
class RunFolder {
 public:
  /// `name` may have several parts ("seeds/3"), but must stay inside `runs`; otherwise throws InputError.
  RunFolder(const std::filesystem::path& runs, const std::string& name);
  /// The run folder at `path`, as users name it.
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path checkpoint_path() const { return path_ / "checkpoint.safetensors"; }
  std::filesystem::path model_path() const { return path_ / "model.safetensors"; }
  std::filesystem::path vocabulary_path() const { return path_ / "vocabulary.txt"; }
  std::filesystem::path predictions_path() const { return path_ / "predictions.jsonl"; }
  std::filesystem::path attention_path(SplitName split) const;
  std::filesystem::path erasure_path(SplitName split) const;
  std::filesystem::path perturbation_path() const { return path_ / "perturbation.safetensors"; }
  std::filesystem::path attribution_path(SplitName split) const;
  std::filesystem::path ablation_path() const { return path_ / "ablation.safetensors"; }
  std::filesystem::path guide_controls_path() const { return path_ / "guide_controls.safetensors"; }
  std::filesystem::path config_path() const { return path_ / "config.json"; }
  std::filesystem::path metrics_path() const { return path_ / "metrics.csv"; }
  std::filesystem::path result_path() const { return path_ / "result.json"; }
  std::filesystem::path failure_path() const { return path_ / "failure.json"; }
  /// All of these paths. config.json is the first.
  std::vector<std::filesystem::path> files() const;

  /// The state now. Another process may change it at any moment, unless this process holds the RunWriter.
  RunState state() const;

  /// A file of a run that has lost its config.json: a run that starts writes that first, and keeps it. Empty where
  /// config.json is there, and where nothing else is but perhaps failure.json, which a run that cannot start leaves.
  std::filesystem::path left_without_config() const;

  /// `file`, one of the paths above, once it is known to be a file. If it is missing, or is a folder, a pipe or a
  /// device, throws InputError, which says what to do.
  std::filesystem::path existing(std::filesystem::path file) const;
  /// `existing`, once it is known, too, to be as it was when the run finished. Throws InputError if its checksum is not
  /// the one in result.json. A file of a run that is not finished, or has no checksums, is not compared. All functions
  /// below that read a file compare it.
  std::filesystem::path intact(std::filesystem::path file) const;

  /// What is wrong with a file of a finished run: one that result.json names is missing, has another size or, if
  /// `contents`, which reads all files, another checksum. Empty if nothing is. Of a run without checksums nothing but a
  /// missing file is known.
  std::string damage(bool contents) const;

  nlohmann::json config() const;
  /// Why the run failed; nothing if it did not fail, or trains again.
  std::optional<std::string> failure() const;
  std::vector<EpochMetrics> metrics() const;
  /// Of a run that trained.
  RunResult result() const;
  /// Of a perturbation.
  PerturbationResult perturbation_result() const;
  /// Of an attribution.
  AttributionResult attribution_result() const;
  /// Whether the folder has files of an attribution.
  bool is_attribution() const;
  /// SHA-256 over the attention files of all three splits, or those of an attribution, each of them intact. A run that
  /// learns from this one keeps the sum in its config.json, so that a change of this run is noticed.
  std::string attention_checksum() const;
  /// Checked by `fault`: offsets fit, labels are 0 or 1, probabilities lie in [0, 1], every text's weights sum to 1.
  Attention attention(SplitName split) const;
  /// Checked likewise; the three measures lie in the ranges that Perturbations names.
  Perturbations perturbations() const;
  /// Checked by its `fault`.
  Erasure erasure(SplitName split) const;
  /// Of a finished attribution; checked by `fault`, for the measure in result.json.
  Attributions attributions(SplitName split) const;
  /// Nothing if the run has none. Otherwise checked likewise.
  std::optional<Ablation> ablation() const;
  std::optional<GuideControls> guide_controls() const;

 private:
  /// Throws InputError if a file is missing that every finished run has.
  void check_all_there() const;
  /// SHA-256 over `files`, each of them intact.
  std::string checksum_of(const std::vector<std::filesystem::path>& files) const;
  /// `files` of result.json; null for a run that is not finished, or has no checksums.
  nlohmann::json checksums() const;

  std::filesystem::path path_;
};

/// Whether something that is written to `path` would be a file of a run, or replace one. Links are followed.
bool is_file_of_run(const std::filesystem::path& path);

}  // namespace notnot
