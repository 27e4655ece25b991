#pragma once
// Estimates of the time and memory that runs will take, made before they start.
#include <map>

#include "experiments/study/memory.h"

namespace notnot {

struct Estimate {
  /// The time of all epochs, if no other run shares the device. An adversary may stop earlier.
  double seconds = 0;
  MemoryNeed memory;
};

/// Estimates by measuring: trains each kind of model once on a few batches, on the device and the texts that the runs
/// will use.
class Estimator {
 public:
  /// Each model gets `threads` threads of the CPU.
  Estimator(const Inputs& inputs, int threads);
  /// Throws InputError where the memory does not suffice to measure.
  Estimate estimate(const RunSpec& spec);

 private:
  struct Speed {
    /// Seconds per token. Evaluation includes the projection of the words in its batches.
    double train_token, evaluation_token;
  };
  double seconds(const RunSpec& spec);
  const Speed& speed(const RunSpec& spec);
  Speed measure(const RunSpec& spec) const;
  double perturbation_seconds(const RunSpec& spec) const;

  const Inputs& inputs_;
  OpenDevice device_;
  std::map<std::pair<Encoder, AttentionKind>, Speed> speeds_;
};

}  // namespace notnot
