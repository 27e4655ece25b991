#include "experiments/study/cost.h"

#include <doctest/doctest.h>

#include "engine/device/open_device.h"
#include "engine/io/files.h"
#include "experiments/study/estimate.h"
#include "experiments/study/memory.h"
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

/// Of a corpus with the words a, b and c, which it writes.
Inputs small_inputs(const TemporaryFolder& folder, int32_t hidden) {
  write_atomically(folder / "own.csv",
                   "text,label,split\na b,1,train\nc,0,train\na,1,dev\nb,0,dev\na,1,test\nb c,0,test\n");
  Settings settings;
  settings.corpus.dataset = (folder / "own.csv").string();
  settings.runs = (folder / "runs").string();
  settings.hidden = hidden;
  settings.device = "cpu";
  settings.threads = 1;
  return load_inputs(settings);
}

TEST_CASE("the memory of a run is that of its model's arena and of its training on the host") {
  const TemporaryFolder folder;
  Inputs inputs = small_inputs(folder, 3);
  const RunSpec spec = plain(RunKind::base);
  // Embedding, W_ih, W_hh and two biases of both directions, output layer, attention: each begins at a multiple of 64.
  const auto parameters = [](int64_t hidden) {
    const int64_t vocabulary = 7, embed = 300, gates = 4 * hidden, states = 2 * hidden, attention = hidden;
    int64_t end = 0;
    for (const int64_t size : {vocabulary * embed, 2 * gates * embed, 2 * gates * hidden, 2 * gates, 2 * gates, states,
                               int64_t{1}, attention * states, attention, attention}) {
      end = (end + 63) / 64 * 64 + size;
    }
    return end;
  };
  REQUIRE(parameters(3) == 9859);
  const Estimate estimate = Estimator(inputs, 1).estimate(spec, 1);
  CHECK(estimate.seconds > 0);
  // The initial parameters, and a checkpoint's parameters with their three moments.
  CHECK(estimate.memory.host_bytes == 5 * 4 * 9859);

  // In a wide model little counts beside the parameters, their gradients and three moments, and copies of the weights
  // of the LSTM, transposed and packed.
  inputs.settings.hidden = 512;
  const OpenDevice device("cpu", 1);
  const MemoryNeed wide = memory_need(inputs, spec, device.get());
  const int64_t copy = 4 * parameters(512);
  CHECK(wide.host_bytes == 5 * copy);
  CHECK(wide.device_bytes > 5 * copy);
  CHECK(wide.device_bytes < 7 * copy);
}

TEST_CASE("an attribution needs memory beside the model's") {
  const TemporaryFolder folder;
  const Inputs inputs = small_inputs(folder, 64);
  const OpenDevice device("cpu", 1);
  const auto bytes = [&](Measure measure) {
    const RunSpec spec = attribution_of(inputs.name(), plain(RunKind::base), measure, {SplitName::test});
    return memory_need(inputs, spec, device.get()).device_bytes;
  };
  const int64_t model = bytes(Measure::attention),
                tokens = std::ssize(inputs.corpus.dataset.split(SplitName::test).token_ids);
  CHECK(bytes(Measure::contribution) == model);
  // Projected inputs and gates, 8 H numbers each; cells, previous states, states and their derivatives, 2 H each.
  CHECK(bytes(Measure::input_x_gradient) >= model + tokens * (2 * 8 + 4 * 2) * 64 * 4);
  CHECK(bytes(Measure::gradient_norm) >= bytes(Measure::input_x_gradient) + tokens * 300 * 4);
  CHECK(bytes(Measure::integrated_gradients) >= bytes(Measure::input_x_gradient) + 7 * tokens * 24 * 64 * 4);
  CHECK(bytes(Measure::leave_one_out) >= model + tokens * (8 + 3 * 2) * 64 * 4);
}

}  // namespace
}  // namespace notnot
