#pragma once
// The writing side of a run folder (run_folder.h).
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "engine/data/dataset.h"
#include "engine/io/lock.h"
#include "engine/runs/attention.h"
#include "engine/runs/run_folder.h"
#include "engine/runs/run_metrics.h"

namespace notnot {

/// The writing side: whoever holds it is the only one to train in the folder. The lock goes with the process, however
/// it ends.
class RunWriter {
 public:
  /// Creates the folder where it is missing, locks it and removes what a killed or failed run left. Throws
  /// InputError when the folder cannot be written or another process trains in it.
  explicit RunWriter(const RunFolder& folder);
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
  FolderLock lock_;
};

}  // namespace notnot
