#pragma once
// What runs cost, worked out from measured speeds.
#include <cstdint>
#include <vector>

#include "models/training.h"

namespace notnot {

/// Seconds per token. On the CPU evaluation includes the projection of the words in its batches.
struct Speed {
  double train_token = 0, evaluation_token = 0;
};

/// The seconds that all epochs of a training take. An epoch trains on the training split and evaluates all three
/// splits; an adversary evaluates only the other two.
double training_seconds(const Dataset& dataset, const TrainingOptions& training, const Speed& speed);

struct RunCost {
  double seconds = 0;
  int64_t bytes = 0;
};

/// What `runs` cost together if `fleet` of them, at least 1, run at once: at least the time of the longest one, and the
/// memory of as many of the largest one as run at once. The seconds of each are those that it takes beside fleet - 1
/// others.
RunCost cost_of_fleet(const std::vector<RunCost>& runs, int fleet);

}  // namespace notnot
