#pragma once
// Training by the published protocol (Jain & Wallace 2019, as Wiegreffe & Pinter 2019 use it): shuffled batches of
// similar length, Adam, an evaluation after each epoch. The parameters of the best epoch are kept: the one with the
// best ROC-AUC, or for an adversary the one with the lowest training loss.
#include <array>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine/data/dataset.h"
#include "engine/io/stop.h"
#include "engine/runs/run_writer.h"
#include "models/side_by_side.h"

namespace notnot {

struct TrainingOptions {
  uint64_t seed = 10;  ///< drives initialisation, jitter and shuffling
  int32_t epochs = 8;
  int32_t batch_size = 32;
  /// The split whose ROC-AUC chooses the epoch. The published numbers used `test`, which leaks; `dev` does not. An
  /// adversary's epoch is chosen only by its training loss.
  SplitName select = SplitName::test;
  Objective objective = Objective::classify;
  double tvd_factor = 0.5, lambda = 0;  ///< adversary: see ObjectiveOptions
  int32_t patience = 10;                ///< adversary: stops after so many epochs without a lower training loss
  OptimiserOptions optimiser;
};

/// The outputs of another model on the texts of one split, in the split's order.
struct TextTargets {
  std::vector<float> log_attention;  ///< [tokens] -infinity at boundary tokens
  std::vector<float> probability;    ///< [size] for an adversary, which should keep them; empty for a guide
};
using Targets = BySplit<TextTargets>;

/// Sizes a model for training and evaluating on `dataset`, on `device`.
ModelCapacity training_plan(const Device& device, const Dataset& dataset, const TrainingOptions& options);
/// The batches in which `device` predicts a split, as indices into it. No result depends on them.
std::vector<std::vector<int32_t>> prediction_batches(const Device& device, const Split& split);
/// Sizes a model that only predicts `split`.
ModelCapacity prediction_plan(const Device& device, const Split& split);
/// Host memory that training takes besides the data set and the models' arenas.
std::vector<MemoryRow> host_memory(const ParameterLayout& layout, int32_t members = 1);

/// A model's outputs on all texts of a split, in the split's order.
struct SplitPredictions {
  std::vector<float> probability;    ///< [size]
  std::vector<float> log_attention;  ///< [tokens], -infinity at boundary tokens
  double loss = 0;                   ///< mean weighted cross-entropy of a text
};
/// `targets` are those of this very split; only a model with given attention needs them. `poll` is called before every
/// batch and may throw.
SplitPredictions predict_split(AttentionClassifier& model, const Split& split, double positive_weight,
                               const TextTargets& targets = {}, const std::function<void()>& poll = check_stop);

/// Hears about the progress of a training; called from the thread that trains.
class TrainingMonitor {
 public:
  virtual ~TrainingMonitor() = default;
  virtual void batch_done(int32_t epoch, int32_t batch, int32_t batches) = 0;
  virtual void epoch_done(const EpochMetrics& metrics, bool best) = 0;
  /// Asked after every batch of the training and before every batch of an evaluation. True: stop, with a checkpoint.
  virtual bool stop_requested() = 0;
};

/// The test texts with some words replaced, of the same lengths: what the finished model says of them tells which words
/// it uses.
struct AblatedTexts {
  Split without_evidence, without_others;
};

struct TrainingRequest {
  const Dataset* dataset = nullptr;  ///< outlives the call
  /// The guide of AttentionKind::given, or the base model that Objective::adversary moves away from (only its training
  /// split is used); outlives the call.
  const Targets* targets = nullptr;
  const AblatedTexts* ablated = nullptr;  ///< predicted at the end, if there are any; outlives the call
  ModelOptions model;
  TrainingOptions training;
  std::vector<float> initial_parameters;  ///< [ParameterLayout(model).total()]
  nlohmann::json config;                  ///< becomes config.json
  bool resume = false;                    ///< continue from the folder's checkpoint if it has one
  double checkpoint_seconds = 600;  ///< within an epoch: the most between two checkpoints; 0: one after every batch
  Profile* profile = nullptr;
};

/// Trains in `writer`'s folder to its end and writes every file of a finished run. A NaN or infinite loss throws Error
/// naming epoch, batch and texts; the best model so far and the last checkpoint stay. Throws Interrupted when the
/// monitor asks to stop: a checkpoint is written, and a resumed run ends in the bytes of one that was never stopped.
RunResult train(const Device& device, const TrainingRequest& request, RunWriter& writer, TrainingMonitor& monitor);

/// A run of a group: what it trains, and where.
struct Trainee {
  const TrainingRequest* request = nullptr;
  RunWriter* writer = nullptr;
  TrainingMonitor* monitor = nullptr;
};

/// The same for adversaries side by side (side_by_side.h), each on its own context of `devices` and into a folder of its
/// own. Their requests differ in nothing but initial parameters and config. All stop at the same epoch, and the kept
/// epoch is that with the lowest sum of their losses, so that the models of the folders belong to one moment. The first
/// member's folder has the checkpoint of all, and is finished last: if it is finished, all are.
std::vector<RunResult> train_side_by_side(const std::vector<Device>& devices, const std::vector<Trainee>& trainees);

}  // namespace notnot
