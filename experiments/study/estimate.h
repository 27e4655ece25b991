#pragma once
// What runs will take, before they are started.
#include <map>

#include "experiments/study/setup.h"

namespace notnot {

struct Estimate {
  double seconds = 0;        ///< alone, all epochs: the most an adversary may train
  int64_t device_bytes = 0;  ///< the arena of its model: the host's memory on the CPU
  int64_t host_bytes = 0;    ///< beside the data set, its vectors and, on the CPU, the arena
};

/// Trains a few batches of each kind of model once, on the device and the texts that the runs will use.
class Estimator {
 public:
  /// A model gets `threads` of the CPU.
  Estimator(const Setup& setup, int threads);
  Estimate estimate(const RunSpec& spec);

 private:
  struct Speed {
    double train_token, evaluation_token;  ///< seconds; evaluation's with the projection of the words that it meets
  };
  const Speed& speed(const RunSpec& spec);
  Speed measure(const RunSpec& spec) const;
  double perturbation_seconds(const RunSpec& spec) const;

  const Setup& setup_;
  OpenDevice device_;
  std::map<std::pair<Encoder, AttentionKind>, Speed> speeds_;
};

}  // namespace notnot
