#pragma once
// The writing side of a run folder (run_folder.h).
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "engine/data/dataset.h"
#include "engine/io/lock.h"
#include "engine/io/open_folder.h"
#include "engine/runs/attention.h"
#include "engine/runs/attributions.h"
#include "engine/runs/erasure.h"
#include "engine/runs/run_folder.h"
#include "engine/runs/run_metrics.h"

namespace notnot {

/// The writing side: whoever holds it is the only one to train in the folder. The lock goes with the process, however
/// it ends.
///
/// A run folder of a stranger may hold links, so that what is written would end in a file of the user's. Such a folder
/// can be read, but is not written to: see the first two functions. A link that is put there later is replaced, not
/// followed (write_atomically).
class RunWriter {
 public:
  /// Creates the folder if it is missing, locks it, and removes temporary files and the failure.json of earlier runs.
  /// Throws InputError if the folder cannot be written or another process trains in it, and, before anything is
  /// written, if it or a file of the run is a link, or if something else than a file has the name of one.
  explicit RunWriter(const RunFolder& folder);
  /// Creates the folder if it is missing. Throws InputError as above, but another process may train in it.
  static void check_writable(const RunFolder& folder);
  /// Throws InputError if another process, or another writer in this one, trains in the folder. Writes nothing.
  static void check_free(const RunFolder& folder);
  const RunFolder& folder() const { return folder_; }
  /// The same folder through an OpenFolder: for all that is written, so that nobody can lead it elsewhere meanwhile.
  const RunFolder& opened() const { return opened_; }

  /// Begins a run: removes every file of an earlier one, and replaces config.json. Throws InputError before anything is
  /// removed if config.json cannot be written.
  void start(nlohmann::json config);
  /// Goes on with a run: writes config.json anew, all other files stay.
  void resume(nlohmann::json config);
  void write_vocabulary(const Vocabulary& vocabulary);
  /// Rewrites metrics.csv with these rows and no others: after a resume it ends at the checkpoint's epoch.
  void write_metrics(std::span<const EpochMetrics> epochs);
  /// log_attention [tokens] and probability [size] of `texts`, in the order of `texts`. Throws Error if the rules of
  /// Attention are broken.
  void write_attention(SplitName split, const Split& texts, std::span<const float> log_attention,
                       std::span<const float> probability);
  /// Throws Error if the rules of Perturbations are broken.
  void write_perturbations(const Perturbations& perturbations);
  /// Throws Error if the rules of Erasure are broken.
  void write_erasure(SplitName split, const Erasure& erasure);
  /// Throws Error if `attributions` have a fault or are not of `texts`.
  void write_attributions(SplitName split, const Split& texts, const Attributions& attributions, Measure measure);
  /// Throws Error if the rules of Ablation are broken.
  void write_ablation(const Ablation& ablation);
  /// Throws Error if the rules of GuideControls are broken.
  void write_guide_controls(const GuideControls& controls);
  /// Writes predictions.jsonl. The arguments are those of write_attention for the test split; the file has weights, and
  /// no boundary tokens. Throws Error, too, if `texts` lacks the spelling of a word (WordReader).
  void write_predictions(const Vocabulary& vocabulary, const Split& texts, std::span<const float> log_attention,
                         std::span<const float> probability);
  /// Writes result.json, with the checksums of all files that the run has: from now on it is finished. The checkpoint
  /// stays.
  void finish(const RunResult& result);
  void finish(const PerturbationResult& result);
  void finish(const AttributionResult& result);
  void remove_checkpoint();
  /// Writes failure.json, and before it config.json if there is none yet.
  void fail(const std::string& reason, nlohmann::json config);

 private:
  void finish(nlohmann::json result);

  RunFolder folder_;
  OpenFolder open_;
  RunFolder opened_;
  FolderLock lock_;
  std::string choices_;  ///< checksum_of_choices; empty until the run starts or goes on
};

}  // namespace notnot
