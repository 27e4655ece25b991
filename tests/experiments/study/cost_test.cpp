#include "experiments/study/cost.h"

#include <doctest/doctest.h>

#include "engine/device/open_device.h"
#include "engine/io/files.h"
#include "experiments/study/estimate.h"
#include "tests/experiments/study/run_specs.h"
#include "tests/support/temporary_folder.h"

namespace notnot {
namespace {

Split split_of(int64_t tokens) {
  Split split;
  split.token_ids = std::vector<int32_t>(tokens, kFirstWordId);
  return split;
}

TEST_CASE(
    "the time of a training: every epoch trains once and evaluates all splits, an adversary not the training split") {
  const Dataset dataset{
      .name = "own", .vocabulary = Vocabulary({"a"}), .splits = {split_of(1000), split_of(100), split_of(20)}};
  const Speed speed{.train_token = 3, .evaluation_token = 0.5};
  TrainingOptions training;
  training.epochs = 4;
  CHECK(training_seconds(dataset, training, speed) == 4 * (1000 * 3 + (1000 + 100 + 20) * 0.5));
  training.objective = Objective::adversary;
  CHECK(training_seconds(dataset, training, speed) == 4 * (1000 * 3 + (100 + 20) * 0.5));
  training.epochs = 1;
  CHECK(training_seconds(dataset, training, speed) == 1000 * 3 + (100 + 20) * 0.5);
}

TEST_CASE("a fleet shares the time, but no run is shorter than itself; it needs the memory of its largest runs") {
  const auto check = [](const std::vector<RunCost>& runs, int fleet, double seconds, int64_t bytes) {
    const RunCost cost = cost_of_fleet(runs, fleet);
    CHECK(cost.seconds == seconds);
    CHECK(cost.bytes == bytes);
  };
  const std::vector<RunCost> runs = {{10, 100}, {30, 200}, {20, 50}};
  check(runs, 1, 60, 200);
  check(runs, 2, 30, 400);
  check(runs, 3, 30, 600);   // the longest run, not 20
  check(runs, 16, 30, 600);  // three runs, not 16
  check({{10, 1}, {10, 1}, {10, 1}, {10, 1}}, 2, 20, 2);
  check({}, 4, 0, 0);
}

TEST_CASE("the memory of a run is that of its model's arena and of its training on the host") {
  const TemporaryFolder folder;
  write_atomically(folder / "own.csv",
                   "text,label,split\na b,1,train\nc,0,train\na,1,dev\nb,0,dev\na,1,test\nb c,0,test\n");
  Settings settings;
  settings.corpus.dataset = (folder / "own.csv").string();
  settings.runs = (folder / "runs").string();
  settings.hidden = 3;
  settings.device = "cpu";
  settings.threads = 1;
  const Inputs inputs = load_inputs(settings);
  const RunSpec spec = plain(RunKind::base);
  const OpenDevice device("cpu", 1);
  const AttentionClassifier model(device.get(), inputs.model(spec),
                                  training_plan(inputs.corpus.dataset, inputs.training(spec)), {});
  int64_t arena = 0, host = 0;
  for (const MemoryRow& row : model.memory_table()) arena += row.bytes;
  for (const MemoryRow& row : host_memory(model.layout())) host += row.bytes;
  const Estimate estimate = Estimator(inputs, 1).estimate(spec);
  CHECK(estimate.memory.device_bytes == arena);
  CHECK(estimate.memory.host_bytes == host);
  CHECK(estimate.seconds > 0);
}

}  // namespace
}  // namespace notnot
