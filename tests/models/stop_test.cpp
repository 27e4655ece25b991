#include "engine/io/stop.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <thread>

#include "engine/data/dataset_builder.h"
#include "models/perturbation.h"
#include "models/training.h"

namespace notnot {
namespace {

/// A pipe into which nobody writes.
struct Pipe {
  int ends[2] = {-1, -1};
  Pipe() { REQUIRE(::pipe(ends) == 0); }
  ~Pipe() {
    for (const int end : ends) ::close(end);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
};

}  // namespace

// One case, because a request to stop is never taken back.
TEST_CASE("all work goes on until it is asked to stop") {
  const Split split{.token_ids = {kStartId, kFirstWordId, kEndId}, .offsets = {0, 3}, .labels = {1}, .rows = {1}};
  const ModelOptions options{.vocabulary = kFirstWordId + 1, .embed = 3, .hidden = 2};
  AttentionClassifier model(open_cpu(1), options, prediction_plan(open_cpu(1), split));
  model.allocate();
  model.set_parameters(initial_parameters(model.layout(), 1, {}));
  const PerturbationOptions few{.permutations = 1, .adversaries = 1, .steps = 1};
  const Pipe pipe;
  REQUIRE(::write(pipe.ends[1], "a", 1) == 1);

  CHECK_FALSE(stop_requested());
  CHECK_NOTHROW(check_stop());
  CHECK_NOTHROW(wait_until_readable(pipe.ends[0]));
  CHECK_NOTHROW(predict_split(model, split, 1.0));
  CHECK_NOTHROW(perturb_split(model, split, few));
  char byte = 0;
  REQUIRE(::read(pipe.ends[0], &byte, 1) == 1);

  std::thread asking([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    request_stop();
  });
  CHECK_THROWS_AS(wait_until_readable(pipe.ends[0]), Interrupted);
  asking.join();
  CHECK(stop_requested());
  CHECK_THROWS_AS(check_stop(), Interrupted);
  CHECK_THROWS_AS(predict_split(model, split, 1.0), Interrupted);
  CHECK_THROWS_AS(perturb_split(model, split, few), Interrupted);
  DatasetBuilder builder;
  CHECK_THROWS_AS(builder.add({.words = "a film", .label = 1, .split = SplitName::train, .row = 1}), Interrupted);
}

}  // namespace notnot
