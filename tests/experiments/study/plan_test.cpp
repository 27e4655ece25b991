#include "experiments/study/plan.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/runs/run_writer.h"
#include "tests/experiments/study/run_specs.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

namespace notnot {
namespace {

Inputs small_inputs(const TemporaryFolder& folder) {
  Settings settings;
  settings.corpus.dataset = "planted";
  settings.runs = folder.path().string();
  return load_inputs(settings);
}

int64_t count(const std::vector<RunSpec>& runs, RunKind kind) {
  return std::count_if(runs.begin(), runs.end(), [&](const RunSpec& spec) { return spec.kind == kind; });
}

bool contains(const std::vector<RunSpec>& runs, const RunSpec& spec) {
  return std::find(runs.begin(), runs.end(), spec) != runs.end();
}

const std::set<PaperTest> kAllTests = {PaperTest::uniform, PaperTest::seeds, PaperTest::guides, PaperTest::adversary};

/// Two texts of two words, with boundary tokens.
Attention attention_of(float first_weight, float probability) {
  const float nothing = -std::numeric_limits<float>::infinity();
  const float a = std::log(first_weight), b = std::log(1 - first_weight);
  return {.log_attention = {nothing, a, b, nothing, nothing, a, b, nothing},
          .offsets = {0, 4, 8},
          .probability = {probability, probability},
          .label = {0, 1},
          .row = {1, 2}};
}

/// A finished run whose test attention and F1 are known.
void finish_run(const Inputs& inputs, const RunSpec& spec, const Attention& attention, double f1) {
  RunWriter writer(inputs.folder(spec));
  writer.start(to_json(inputs.config(spec)));
  Split split;
  split.token_ids = {2, 4, 5, 3, 2, 4, 5, 3};
  split.offsets = attention.offsets;
  split.labels = attention.label;
  split.rows = attention.row;
  writer.write_attention(SplitName::test, split, attention.log_attention, attention.probability);
  RunResult result{.epoch = 1, .selected_on = "train loss", .split = {}};
  result.split.test.f1 = f1;
  writer.finish(result);
}

RunSpec adversary(double lambda, uint64_t seed = 10) {
  return {.kind = RunKind::adversary,
          .seed = seed,
          .lambda = lambda,
          .other = run_name("planted", plain(RunKind::base, seed))};
}

}  // namespace

TEST_CASE("the paper's runs: 9 seeds, 12 lambdas and one more start, 4 MLPs, no run twice") {
  const TemporaryFolder folder;
  const Inputs inputs = small_inputs(folder);
  const std::vector<RunSpec> runs = planned_runs(inputs, {}, kAllTests);
  CHECK(count(runs, RunKind::base) == 9);
  CHECK(count(runs, RunKind::uniform) == 1);
  CHECK(count(runs, RunKind::adversary) == 13);
  CHECK(count(runs, RunKind::trained_mlp) == 1);
  CHECK(count(runs, RunKind::uniform_mlp) == 1);
  CHECK(count(runs, RunKind::guided_mlp) == 2);
  CHECK(count(runs, RunKind::perturbation) == 1);
  std::set<std::string> names;
  for (const RunSpec& spec : runs) CHECK(names.insert(run_name("planted", spec)).second);
  CHECK(runs.front() == plain(RunKind::base));  // everything waits for it
}

TEST_CASE("five repeats: five of every cell, each with what its own seed gave") {
  const TemporaryFolder folder;
  const Inputs inputs = small_inputs(folder);
  StudyOptions options;
  options.repeats = 5;
  const std::vector<RunSpec> runs = planned_runs(inputs, options, kAllTests);
  CHECK(count(runs, RunKind::base) == 9);
  CHECK(count(runs, RunKind::uniform) == 5);
  CHECK(count(runs, RunKind::guided_mlp) == 10);
  CHECK(count(runs, RunKind::adversary) == 17);
  CHECK(contains(runs, adversary(1e-3, 257)));
  CHECK(contains(
      runs,
      {.kind = RunKind::guided_mlp, .seed = 257, .lambda = 0, .other = run_name("planted", adversary(1e-3, 257))}));
}

TEST_CASE("attention from another program may not have the name of a run") {
  const TemporaryFolder folder;
  Inputs inputs = small_inputs(folder);
  inputs.guide = ExternalGuide{.label = "external-mine", .file = "mine.jsonl", .checksum = "", .targets = {}};
  CHECK(count(planned_runs(inputs, {}, {PaperTest::diagnose}), RunKind::guided_mlp) == 2);
  inputs.corpus.dataset.name = "external-mine";
  CHECK(count(planned_runs(inputs, {}, {PaperTest::diagnose}), RunKind::guided_mlp) == 2);
  inputs.guide->label = "external-mine-lstm-learned-seed10";
  CHECK_HAS(input_error([&] { planned_runs(inputs, {}, {PaperTest::diagnose}); }), "give the file another name");
}

TEST_CASE("what follows the grid: larger lambdas until the attention is far, then the best for the other seeds") {
  const TemporaryFolder folder;
  const Inputs inputs = small_inputs(folder);
  StudyOptions options;
  options.lambdas = {0, 0.01};
  options.repeats = 2;
  std::vector<RunSpec> runs = planned_runs(inputs, options, {PaperTest::adversary});
  const auto following = [&] { return following_runs(inputs, options, {PaperTest::adversary}, runs); };
  const auto train = [&](const RunSpec& spec, float first_weight, double f1) {
    finish_run(inputs, spec, attention_of(first_weight, 0.5F), f1);
  };
  CHECK(following().empty());  // not even the base is there
  train(plain(RunKind::base), 0.999F, 0.8);
  train(adversary(0), 0.99F, 0.9);
  train(adversary(0.01), 0.5F, 0.7);
  CHECK(grid_state(inputs, options, runs).largest_lambda == 0.01);
  CHECK(!grid_state(inputs, options, runs).best);

  SUBCASE("none is far enough") {
    for (int round = 0; round < kExtensions; ++round) {
      const std::vector<RunSpec> more = following();
      REQUIRE(more.size() == 2);
      CHECK(more[0].lambda == doctest::Approx(0.02 * std::pow(4, round)));
      CHECK(more[1].lambda == doctest::Approx(0.04 * std::pow(4, round)));
      for (const RunSpec& spec : more) {
        runs.push_back(spec);
        train(spec, 0.5F, 0.7);
      }
    }
    CHECK(following().empty());
  }
  SUBCASE("the best F1 among those that are far enough") {
    runs.push_back(adversary(0.02));
    runs.push_back(adversary(0.04));
    train(adversary(0.02), 0.001F, 0.75);
    train(adversary(0.04), 0.0005F, 0.6);
    const GridState state = grid_state(inputs, options, runs);
    REQUIRE(state.best);
    CHECK(*state.best == 0.02);
    CHECK(state.largest_jsd > kFarAttention);
    CHECK(following() == std::vector<RunSpec>{adversary(0.02, 50)});
  }
  SUBCASE("another adversary than the base seed's does not count") {
    runs.push_back(adversary(0.02, 50));
    train(adversary(0.02, 50), 0.001F, 0.99);
    CHECK(!grid_state(inputs, options, runs).best);
  }
}

}  // namespace notnot
