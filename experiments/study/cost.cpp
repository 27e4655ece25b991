#include "experiments/study/cost.h"

#include <algorithm>

namespace notnot {

double training_seconds(const Dataset& dataset, const TrainingOptions& training, const Speed& speed) {
  const auto tokens = [&](SplitName name) { return static_cast<double>(dataset.split(name).token_ids.size()); };
  double evaluated = tokens(SplitName::dev) + tokens(SplitName::test);
  if (training.objective != Objective::adversary) evaluated += tokens(SplitName::train);
  return training.epochs * (tokens(SplitName::train) * speed.train_token + evaluated * speed.evaluation_token);
}

RunCost cost_of_fleet(const std::vector<RunCost>& runs, int fleet) {
  double seconds = 0;
  RunCost most;
  for (const RunCost& run : runs) {
    seconds += run.seconds;
    most.seconds = std::max(most.seconds, run.seconds);
    most.bytes = std::max(most.bytes, run.bytes);
  }
  return {.seconds = std::max(most.seconds, seconds / fleet),
          .bytes = most.bytes * std::min<int64_t>(fleet, std::ssize(runs))};
}

}  // namespace notnot
