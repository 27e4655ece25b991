#pragma once
// How much time and memory runs will take, before they start.
#include <map>

#include "experiments/study/inputs.h"

namespace notnot {

struct Estimate {
  /// For all epochs, when the run has the device to itself. An adversary may stop earlier.
  double seconds = 0;
  int64_t device_bytes = 0;  ///< the arena of the model; on the CPU it lies in the host's memory
  int64_t host_bytes = 0;    ///< without the data set, its vectors and, on the CPU, the arena
};

/// Measures: trains each kind of model once on a few batches, on the device and the texts that the runs will use.
class Estimator {
 public:
  /// Each model gets `threads` threads of the CPU.
  Estimator(const Inputs& inputs, int threads);
  Estimate estimate(const RunSpec& spec);

 private:
  struct Speed {
    /// Seconds per token. Evaluation includes the projection of the words that it meets.
    double train_token, evaluation_token;
  };
  const Speed& speed(const RunSpec& spec);
  Speed measure(const RunSpec& spec) const;
  double perturbation_seconds(const RunSpec& spec) const;

  const Inputs& inputs_;
  OpenDevice device_;
  std::map<std::pair<Encoder, AttentionKind>, Speed> speeds_;
};

}  // namespace notnot
