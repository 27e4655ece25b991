#pragma once
// Estimates of the time and memory that runs will take, made before they start.
#include <map>
#include <tuple>
#include <vector>

#include "experiments/study/cost.h"
#include "experiments/study/memory.h"

namespace notnot {

struct Estimate {
  /// The time of all epochs, while as many runs as were asked for train at once. An adversary may stop earlier.
  double seconds = 0;
  MemoryNeed memory;
};

/// Estimates by measuring: trains each kind of model on a few batches, on the device and the texts that the runs will
/// use. On CUDA as many models train side by side as runs will, because nobody knows how far they get into each other's
/// way. On the CPU one model does: each has threads of its own there.
class Estimator {
 public:
  /// Each model gets `threads` threads of the CPU.
  Estimator(const Inputs& inputs, int threads);
  /// `at_once`: runs that train at once, this one among them; a group counts as one. The seconds and
  /// the memory are those of one of its models. Throws InputError where the memory does not suffice to
  /// measure.
  Estimate estimate(const RunSpec& spec, int at_once);
  /// Whether the models of a group (group_of) compute at the same time; otherwise their seconds add up.
  bool overlaps() const { return device_.get().backend == Backend::cuda; }

 private:
  class Trial;
  int side_by_side(int at_once) const;
  std::vector<OpenDevice> open_devices(int count) const;
  double seconds(const RunSpec& spec, int models);
  const Speed& speed(const RunSpec& spec, int models);
  Speed measure(const RunSpec& spec, int models) const;
  double perturbation_seconds(const RunSpec& spec, int models) const;
  double attribution_seconds(const RunSpec& spec, int models) const;

  const Inputs& inputs_;
  int threads_;
  OpenDevice device_;
  std::map<std::tuple<Encoder, AttentionKind, int32_t, int>, Speed> speeds_;
};

}  // namespace notnot
