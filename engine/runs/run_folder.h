#pragma once
// What one training leaves on disk: the folder RUNS/NAME, whose files numpy, pandas and torch can read.
//
//   config.json               the choices the run was started with, and `version` and `commit` of the program
//   metrics.csv               a row per epoch: see EpochMetrics
//   checkpoint.safetensors    where training can resume; written by models/
//   model.safetensors         the parameters of the chosen epoch; written by models/
//   vocabulary.txt            a word per line, line k (from 1) holds id k-1
//   attention_SPLIT.safetensors  train, dev and test under the chosen epoch: see Attention
//   perturbation.safetensors  of a perturbed model: see Perturbations
//   predictions.jsonl         the test split, an object per text: id, label, probability, tokens, attention
//   result.json               the chosen epoch and its measures; written last, so a folder that has it is finished
//   failure.json              of a run that failed: `reason`
//
// Every file is replaced as a whole (engine/io/files.h): a run killed at any moment leaves files that can be read.
#include <array>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/data/dataset.h"
#include "engine/math/metrics.h"

namespace notnot {

/// One row of metrics.csv. Its columns: epoch, then SPLIT_loss, SPLIT_f1, SPLIT_roc_auc, SPLIT_accuracy,
/// SPLIT_average_precision for train, dev and test, then train_seconds, eval_seconds, tokens_per_second; 9 significant
/// digits, `nan` for what is undefined.
struct EpochMetrics {
  int32_t epoch = 0;  ///< 1, 2, ... in the order of the rows
  /// By SplitName: the mean weighted cross-entropy of a text; an adversary's on the training split is the mean of its
  /// own loss while it trained.
  std::array<double, 3> loss{};
  std::array<Classification, 3> split;  ///< by SplitName; NaN where a split is not evaluated (an adversary's training)
  double train_seconds = 0, eval_seconds = 0;
  double tokens_per_second = 0;  ///< training tokens over train_seconds
};

/// result.json: `epoch`, `selected_on`, and `train`, `dev`, `test`, each with the four measures (null where undefined).
struct RunResult {
  int32_t epoch = 0;                    ///< the chosen one
  std::string selected_on;              ///< what chose it, e.g. "test", "dev", "train loss"
  std::array<Classification, 3> split;  ///< indexed by SplitName
};

/// attention_SPLIT.safetensors: tensors `log_attention`, `offsets`, `probability`, `label`, `row`.
struct Attention {
  std::vector<float> log_attention;  ///< [tokens] natural log; -inf for the first and last token of every text
  std::vector<int64_t> offsets;      ///< [size + 1] text i has the tokens offsets[i] .. offsets[i+1]
  std::vector<float> probability;    ///< [size] of class 1
  std::vector<int32_t> label;        ///< [size] 0 or 1
  std::vector<int64_t> row;          ///< [size] LabelledText::row

  int32_t size() const { return static_cast<int32_t>(label.size()); }
};

/// perturbation.safetensors, Jain & Wallace's two perturbations of a split's attention: a tensor per member, under its
/// name. Made by models/perturbation.h.
struct Perturbations {
  std::vector<float> permutation_change;       ///< [size] median |change of p| when the weights are permuted, 0 to 1
  std::vector<float> adversary_jsd;            ///< [size] of the adversary's attention to the model's, 0 to ln 2
  std::vector<float> adversary_tvd;            ///< [size] 0.5 |change of p|, 0 to 0.5
  std::vector<float> adversary_probability;    ///< [size] of class 1
  std::vector<float> adversary_log_attention;  ///< [tokens] as Attention::log_attention
  std::vector<int64_t> offsets;                ///< [size + 1] the last three as in Attention
  std::vector<int32_t> label;                  ///< [size]
  std::vector<int64_t> row;                    ///< [size]

  int32_t size() const { return static_cast<int32_t>(label.size()); }
};

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
  /// `name` may have several parts ("seeds/3"), but must stay inside `runs`; else InputError.
  RunFolder(const std::filesystem::path& runs, const std::string& name);
  /// The run folder at `path`, as users name it.
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path checkpoint_path() const { return path_ / "checkpoint.safetensors"; }
  std::filesystem::path model_path() const { return path_ / "model.safetensors"; }
  std::filesystem::path vocabulary_path() const { return path_ / "vocabulary.txt"; }
  std::filesystem::path predictions_path() const { return path_ / "predictions.jsonl"; }
  std::filesystem::path attention_path(SplitName split) const;
  std::filesystem::path perturbation_path() const { return path_ / "perturbation.safetensors"; }
  std::filesystem::path config_path() const { return path_ / "config.json"; }
  std::filesystem::path metrics_path() const { return path_ / "metrics.csv"; }
  std::filesystem::path result_path() const { return path_ / "result.json"; }
  std::filesystem::path failure_path() const { return path_ / "failure.json"; }

  /// Another process may change it, unless this one holds the RunWriter.
  RunState state() const;

  nlohmann::json config() const;
  /// Why the run failed; nothing when it did not, or goes on.
  std::optional<std::string> failure() const;
  std::vector<EpochMetrics> metrics() const;
  RunResult result() const;
  /// SHA-256 over the attention of all three splits: what a run that learns from this one remembers of it.
  std::string attention_checksum() const;
  /// Checked: offsets fit, labels are 0 or 1, probabilities lie in [0, 1] and every text's weights sum to 1.
  Attention attention(SplitName split) const;
  /// Checked likewise, and the three measures lie where Perturbations says.
  Perturbations perturbations() const;

 private:
  std::filesystem::path path_;
};

/// The choices in which two configurations differ, as dotted keys in byte order ("model.hidden"); a key that one side
/// lacks counts, `version` and `commit` do not. Empty: a run of `existing` may be resumed or skipped where `requested`
/// is asked for.
std::vector<std::string> differing_choices(const nlohmann::json& existing, const nlohmann::json& requested);

/// The writing side: whoever holds it is the only one to train in the folder. The lock goes with the process, however
/// it ends.
class RunWriter {
 public:
  /// Creates the folder where it is missing, locks it and removes what a killed or failed run left. Throws
  /// InputError when the folder cannot be written or another process trains in it.
  explicit RunWriter(const RunFolder& folder);
  ~RunWriter();
  RunWriter(RunWriter&& other) noexcept;
  RunWriter(const RunWriter&) = delete;
  RunWriter& operator=(const RunWriter&) = delete;
  RunWriter& operator=(RunWriter&&) = delete;

  const RunFolder& folder() const { return folder_; }

  /// Begins a run: removes every file of an earlier one, then writes config.json. A resumed run does not call it.
  void start(nlohmann::json config);
  void write_vocabulary(const Vocabulary& vocabulary);
  /// Rewrites metrics.csv with these rows and no others: after a resume it ends at the checkpoint's epoch.
  void write_metrics(std::span<const EpochMetrics> epochs);
  /// log_attention [tokens] and probability [size] of `texts`, in its order. Throws Error where Attention's rules are
  /// broken.
  void write_attention(SplitName split, const Split& texts, std::span<const float> log_attention,
                       std::span<const float> probability);
  /// Throws Error where the rules of Perturbations are broken.
  void write_perturbations(const Perturbations& perturbations);
  /// The arguments of write_attention for the test split; boundary tokens are left out, attention is written as
  /// weights.
  void write_predictions(const Vocabulary& vocabulary, const Split& texts, std::span<const float> log_attention,
                         std::span<const float> probability);
  /// Writes result.json: from now on the run is finished. The checkpoint stays.
  void finish(const RunResult& result);
  /// The same for a run that has other measures.
  void finish(const nlohmann::json& result);
  void remove_checkpoint();
  /// Writes failure.json, after config.json where there is none yet.
  void fail(const std::string& reason, nlohmann::json config);

 private:
  RunFolder folder_;
  int lock_ = -1;
};

}  // namespace notnot
