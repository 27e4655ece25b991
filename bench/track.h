#pragma once
// For libtorch_race and growth: a track (made-up texts and the model that learns from them), fleets (several such
// models at work side by side), and the times of repeated rounds of work.
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bench/made_up_texts.h"
#include "bench/measuring.h"
#include "engine/device/open_device.h"
#include "models/attention_classifier.h"

namespace notnot::bench {

inline constexpr double kPositiveWeight = 1.25;  ///< weight of class 1 in the loss, on every track

/// Texts and the base model of the paper's sizes (E = 300, H = 128, learned attention).
struct Track {
  /// A model will be trained on all texts at most `epochs` times.
  Track(const TextShape& shape, int32_t its_batch_size, int32_t batch_count, int64_t epochs);

  ModelOptions model;
  int32_t batch_size;
  Split texts;                     ///< as many as batch_count full batches hold
  std::vector<HostBatch> batches;  ///< those of the first epoch
  int64_t steps;                   ///< that a model will take at most
  std::vector<float> start;        ///< [ParameterLayout(model).total()]

  int64_t tokens() const { return texts.token_ids.size(); }
};

/// A model at the track's start.
AttentionClassifier make_model(const Track& track, const Device& device);

/// A training step on each of the track's batches.
void train_batches(const Track& track, AttentionClassifier& model);
/// An epoch of `notnot train` without evaluation and files: it shuffles, puts the batches together and trains.
void train_epoch(const Track& track, AttentionClassifier& model, uint64_t seed, int32_t epoch);
/// Predicts all texts. It sets the parameters before, so the words' projections are computed, too.
void evaluate(const Track& track, AttentionClassifier& model);

// --- times -----------------------------------------------------------------------------------------------------------

struct Times {
  std::vector<double> seconds;  ///< one number per round

  double median() const;
  double fastest() const;
  double slowest() const;
};

/// Call it after a round that warms up.
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

// Rounds of training on CUDA before the timed ones. A step becomes one launch when its size occurs for the third time,
// for each of the two batch buffers that a model has on the device (engine/device/streams.h); if the number of batches
// is odd, a batch uses the other buffer in the next round. Every epoch makes other batches; after some ten epochs most
// of their sizes have occurred.
inline constexpr int kSameBatchesWarmUp = 4, kEpochWarmUp = 10;

// --- fleets ----------------------------------------------------------------------------------------------------------

/// Models side by side as `notnot` trains several: on CUDA each with a stream of its own, on the CPU each with a share
/// of the threads. Its threads wait between rounds; starting them anew would take longer than a short round.
class Fleet {
 public:
  Fleet(const Track& track, const std::string& device, int threads, int models);
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;
  /// Calls `work` once for every model, with its number from 0, and always from the same thread; returns when all are
  /// done. Throws what the first call that failed threw.
  void run(const std::function<void(AttentionClassifier&, int)>& work);
  /// Times rounds of `run`, after one round that warms up; on CUDA after `cuda_warm_up` rounds.
  Times time(int rounds, int cuda_warm_up, const std::function<void(AttentionClassifier&, int)>& work);
  /// The totals of the models' memory tables, and of the rows of these that are only known as "at most".
  int64_t table_bytes() const;
  int64_t table_bytes_at_most() const;

 private:
  using Work = std::function<void(AttentionClassifier&, int)>;
  int64_t sum_of_rows(const std::function<bool(const MemoryRow&)>& counts) const;
  void work_on_share(int worker, const Work& work);
  void take_rounds(const std::stop_token& stop, int worker);

  int workers_;
  std::vector<OpenDevice> devices_;
  std::vector<AttentionClassifier> models_;

  std::mutex mutex_;  ///< of what follows
  std::condition_variable_any changed_;
  const Work* work_ = nullptr;  ///< of the round
  int64_t round_ = 0;
  int at_work_ = 0;  ///< workers that have not finished the round
  std::exception_ptr error_;
  std::vector<std::jthread> threads_;  ///< one per worker; none if there is one worker. Destroyed first.
};

// --- counted work ----------------------------------------------------------------------------------------------------

/// The seconds that training of `models` models on each of the track's batches takes at least: the products' FLOPs over
/// the device's limit. On CUDA it is no less than one model's chain of recurrent steps and its other products after
/// that.
double training_floor(const Track& track, const Limits& limits, int models);
/// The seconds that evaluation of all texts takes at least. A model needs each distinct word's projection once.
double evaluation_floor(const Track& track, const Limits& limits, int models);

}  // namespace notnot::bench
