#pragma once
// What libtorch_race and growth run on: made-up texts with the model that learns from them, several such models at work
// side by side, and the times of repeated rounds of work.
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "bench/made_up_texts.h"
#include "bench/measuring.h"
#include "engine/device/open_device.h"
#include "models/attention_classifier.h"

namespace notnot::bench {

inline constexpr double kPositiveWeight = 1.25;  ///< of class 1 in the loss, on every track

/// Texts and the base model of the paper's sizes (E = 300, H = 128, learned attention).
struct Track {
  /// `epochs`: how often a model will be trained on all texts at most.
  Track(const TextShape& shape, int32_t its_batch_size, int32_t batch_count, int64_t epochs);

  ModelOptions model;
  int32_t batch_size;
  Split texts;                     ///< batch_count full batches of them
  std::vector<HostBatch> batches;  ///< of the first epoch
  ModelCapacity capacity;
  std::vector<float> start;  ///< [ParameterLayout(model).total()]

  int64_t tokens() const { return static_cast<int64_t>(texts.token_ids.size()); }
};

/// A model at the track's start.
AttentionClassifier make_model(const Track& track, const Device& device);

/// A training step on each of the track's batches.
void train_batches(const Track& track, AttentionClassifier& model);
/// What an epoch of `notnot train` takes besides evaluation and files: shuffle, put the batches together, train.
void train_epoch(const Track& track, AttentionClassifier& model, uint64_t seed, int32_t epoch);
/// Predicts all texts, with the projection of the vocabulary, which a change of the parameters makes due.
void evaluate(const Track& track, AttentionClassifier& model);

// --- times

struct Times {
  std::vector<double> seconds;  ///< of every round

  double median() const;
  double fastest() const;
  double slowest() const;
};

/// Something must have warmed up before.
template <class Round>
Times time_rounds(int rounds, Round round) {
  using Clock = std::chrono::steady_clock;
  Times times;
  for (int i = 0; i < rounds; ++i) {
    const auto begin = Clock::now();
    round();
    times.seconds.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
  }
  return times;
}

// CUDA's rounds of training before the timed ones. A step is one launch from its third on of a size, on each of the two
// batches that a model has on the device (engine/device/streams.h); a batch of an odd number of them is on the other one in
// the next round. An epoch puts other batches together, whose sizes have mostly come up after some ten.
inline constexpr int kSameBatchesWarmUp = 4, kEpochWarmUp = 10;

// --- fleets

/// Models side by side as `notnot` trains several: on CUDA each with a stream of its own, on the CPU each with a share
/// of the threads.
class Fleet {
 public:
  Fleet(const Track& track, const std::string& device, int threads, int models);
  /// Calls `work` once for every model, with its number from 0; returns when all are done.
  void run(const std::function<void(AttentionClassifier&, int)>& work);
  /// Rounds of that, after one that warms up; on CUDA after `cuda_warm_up`.
  Times time(int rounds, int cuda_warm_up, const std::function<void(AttentionClassifier&, int)>& work);
  /// The totals of the models' memory tables.
  int64_t arena_bytes() const;

 private:
  int workers_;
  std::vector<OpenDevice> devices_;
  std::vector<AttentionClassifier> models_;
};

// --- counted work

/// Seconds that training `models` models on each of the track's batches takes at least: the products' FLOPs over the
/// device's limit; on CUDA no less than one model's chain of recurrent steps with its other products after it.
double training_floor(const Track& track, const Limits& limits, int models);
/// The same of evaluating all texts, for which a model needs each distinct word's projection once.
double evaluation_floor(const Track& track, const Limits& limits, int models);

}  // namespace notnot::bench
