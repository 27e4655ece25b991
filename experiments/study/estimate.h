#pragma once
// Estimates of the time and memory that runs will take, made before they start.
#include <map>

#include "experiments/study/cost.h"
#include "experiments/study/inputs.h"

namespace notnot {

struct Estimate {
  /// The time of all epochs, if no other run shares the device. An adversary may stop earlier.
  double seconds = 0;
  int64_t device_bytes = 0;  ///< the model's arena; on the CPU the arena lies in the host's memory
  int64_t host_bytes = 0;    ///< the host's memory without the data set, the word vectors and the arena
};

/// Estimates by measuring: trains each kind of model once on a few batches, on the device and the texts that the runs
/// will use.
class Estimator {
 public:
  /// Each model gets `threads` threads of the CPU.
  Estimator(const Inputs& inputs, int threads);
  Estimate estimate(const RunSpec& spec);

 private:
  const Speed& speed(const RunSpec& spec);
  Speed measure(const RunSpec& spec) const;
  double perturbation_seconds(const RunSpec& spec) const;

  const Inputs& inputs_;
  OpenDevice device_;
  std::map<std::pair<Encoder, AttentionKind>, Speed> speeds_;
};

}  // namespace notnot
