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

/// A finished run whose attention and F1 on the development split are known.
void finish_run(const Inputs& inputs, const RunSpec& spec, const Attention& attention, double f1) {
  RunWriter writer(inputs.folder(spec));
  writer.start(to_json(inputs.config(spec)));
  Split split;
  split.token_ids = {2, 4, 5, 3, 2, 4, 5, 3};
  split.offsets = attention.offsets;
  split.labels = attention.label;
  split.rows = attention.row;
  writer.write_attention(SplitName::dev, split, attention.log_attention, attention.probability);
  RunResult result{.epoch = 1, .selected_on = "train loss", .split = {}};
  result.split.dev.f1 = f1;
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

TEST_CASE("side by side: a group for every lambda and repeated seed, with its base model, and nothing follows") {
  const TemporaryFolder folder;
  const Inputs inputs = small_inputs(folder);
  StudyOptions options;
  options.side_by_side = 3;
  options.lambdas = {1e-3, 2e-3};
  options.repeats = 2;
  const std::vector<RunSpec> runs = planned_runs(inputs, options, {PaperTest::side_by_side});
  REQUIRE(runs.size() == 2 + 2 * 2 * 3);
  CHECK(count(runs, RunKind::base) == 2);
  CHECK(runs[2].member == 1);
  CHECK(group_of(runs[2]) == std::vector<RunSpec>(runs.begin() + 2, runs.begin() + 5));  // members stand together
  CHECK(runs[2].other == run_name("planted", plain(RunKind::base)));
  CHECK(following_runs(inputs, options, {PaperTest::side_by_side}, runs).empty());
  CHECK(possible_runs(inputs, options, {PaperTest::side_by_side}, runs).larger_lambdas.empty());
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

namespace {

/// The names of the runs that a test needs, of base seed 10, other seeds 50 and 257, and two repeats.
std::vector<std::string> planned_names(const std::set<PaperTest>& tests, const std::optional<uint64_t>& adversary_seed,
                                       const std::vector<Measure>& guides = {}) {
  const TemporaryFolder folder;
  Inputs inputs = small_inputs(folder);
  inputs.guide = ExternalGuide{.label = "external-mine", .file = {}, .checksum = {}, .targets = {}};
  StudyOptions options;
  options.seeds = {50, 257};
  options.lambdas = {0.5, 0.001, 0};
  options.repeats = 2;
  options.adversary_seed = adversary_seed;
  options.guides = guides;
  std::vector<std::string> names;
  for (const RunSpec& spec : planned_runs(inputs, options, tests)) {
    names.push_back(run_name("planted", spec).substr(std::string("planted-").size()));
  }
  return names;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("the runs of each test, by name and in the order in which they start") {
  CHECK(planned_names({PaperTest::uniform}, {}) ==
        Names{"lstm-learned-seed10", "lstm-learned-seed50", "lstm-uniform-seed10", "lstm-uniform-seed50"});
  CHECK(planned_names({PaperTest::seeds}, {}) ==
        Names{"lstm-learned-seed10", "lstm-learned-seed50", "lstm-learned-seed257"});
  CHECK(planned_names({PaperTest::guides}, {}) ==
        Names{"lstm-learned-seed10", "lstm-learned-seed50", "adversary-lambda0.001-seed10",
              "adversary-lambda0.001-seed50", "tokens-uniform-seed10", "tokens-learned-seed10",
              "tokens-given-seed10-by-lstm-learned-seed10", "tokens-given-seed10-by-adversary-lambda0.001-seed10",
              "tokens-uniform-seed50", "tokens-learned-seed50", "tokens-given-seed50-by-lstm-learned-seed50",
              "tokens-given-seed50-by-adversary-lambda0.001-seed50"});
  CHECK(planned_names({PaperTest::guides}, {}, {Measure::leave_one_out}) ==
        Names{"lstm-learned-seed10", "lstm-learned-seed50", "adversary-lambda0.001-seed10",
              "adversary-lambda0.001-seed50", "tokens-uniform-seed10", "tokens-learned-seed10",
              "tokens-given-seed10-by-lstm-learned-seed10", "tokens-given-seed10-by-adversary-lambda0.001-seed10",
              "attribution-leave-one-out-train-dev-test-seed10",
              "tokens-given-seed10-by-attribution-leave-one-out-train-dev-test-seed10", "tokens-uniform-seed50",
              "tokens-learned-seed50", "tokens-given-seed50-by-lstm-learned-seed50",
              "tokens-given-seed50-by-adversary-lambda0.001-seed50", "attribution-leave-one-out-train-dev-test-seed50",
              "tokens-given-seed50-by-attribution-leave-one-out-train-dev-test-seed50"});
  CHECK(planned_names({PaperTest::adversary}, {}) ==
        Names{"lstm-learned-seed10", "lstm-learned-seed50", "adversary-lambda0.5-seed10",
              "adversary-lambda0.001-seed10", "adversary-lambda0-seed10",
              "adversary-lambda0.001-seed50-of-lstm-learned-seed10", "lstm-uniform-seed10", "perturbation-seed10"});
  const Names importance = planned_names({PaperTest::importance}, {});
  CHECK(importance.size() == 2 + 2 * kMeasures.size());
  CHECK(Names(importance.begin(), importance.begin() + 4) == Names{"lstm-learned-seed10", "lstm-learned-seed50",
                                                                   "attribution-attention-seed10",
                                                                   "attribution-contribution-seed10"});
  CHECK(importance.back() == "attribution-random-seed50");
  CHECK(planned_names({PaperTest::diagnose}, {}) ==
        Names{"lstm-learned-seed10", "lstm-learned-seed50", "tokens-uniform-seed10", "tokens-learned-seed10",
              "tokens-given-seed10-by-lstm-learned-seed10", "tokens-given-seed10-by-external-mine",
              "tokens-uniform-seed50", "tokens-learned-seed50", "tokens-given-seed50-by-lstm-learned-seed50",
              "tokens-given-seed50-by-external-mine"});
}

TEST_CASE("with --adversary-seed every adversary has that seed, and none shows another one") {
  CHECK(planned_names({PaperTest::adversary}, 7) ==
        Names{"lstm-learned-seed10", "lstm-learned-seed50", "adversary-lambda0.5-seed7-of-lstm-learned-seed10",
              "adversary-lambda0.001-seed7-of-lstm-learned-seed10", "adversary-lambda0-seed7-of-lstm-learned-seed10",
              "lstm-uniform-seed10", "perturbation-seed10"});
  const Names guides = planned_names({PaperTest::guides}, 7);
  CHECK(std::find(guides.begin(), guides.end(), "adversary-lambda0.001-seed7-of-lstm-learned-seed50") != guides.end());
  const Names guided = {"tokens-given-seed50-by-adversary-lambda0.001-seed7-of-lstm-learned-seed50"};
  CHECK(std::find(guides.begin(), guides.end(), guided[0]) != guides.end());
}

TEST_CASE("the paper's seeds, lambdas and limits are the defaults") {
  const StudyOptions options;
  CHECK(options.seed == 10);
  CHECK(options.seeds == std::vector<uint64_t>{50, 257, 500231, 100078, 12504, 90754789, 8988812, 2});
  CHECK(options.lambdas ==
        std::vector<double>{0, 1e-4, 2e-4, 2.5e-4, 3e-4, 4e-4, 5e-4, 5.25e-4, 6e-4, 8e-4, 1e-3, 2e-3});
  CHECK(options.repeats == 1);
  CHECK_FALSE(options.adversary_seed);
  CHECK(kFarAttention == 0.4);
}

TEST_CASE("of adversaries with the same F1 the smallest lambda is repeated, as the report shows it") {
  const TemporaryFolder folder;
  const Inputs inputs = small_inputs(folder);
  StudyOptions options;
  options.lambdas = {0.04, 0.01, 0.02};
  options.repeats = 3;
  std::vector<RunSpec> runs = planned_runs(inputs, options, {PaperTest::adversary});
  finish_run(inputs, plain(RunKind::base), attention_of(0.999F, 0.5F), 0.8);
  for (const double lambda : options.lambdas) finish_run(inputs, adversary(lambda), attention_of(0.001F, 0.5F), 0.7);
  CHECK(grid_state(inputs, options, runs).best == 0.01);
  CHECK(following_runs(inputs, options, {PaperTest::adversary}, runs) ==
        std::vector<RunSpec>{adversary(0.01, 50), adversary(0.01, 257)});
  CHECK(following_runs(inputs, options, {PaperTest::guides}, runs).empty());
  // Planned already, so nothing follows.
  runs.push_back(adversary(0.01, 50));
  runs.push_back(adversary(0.01, 257));
  CHECK(following_runs(inputs, options, {PaperTest::adversary}, runs).empty());
}

TEST_CASE("what may follow is known before anything is trained: at most the runs that follow in the end") {
  const TemporaryFolder folder;
  const Inputs inputs = small_inputs(folder);
  StudyOptions options;
  options.lambdas = {0, 0.01};
  options.repeats = 3;
  const auto possible = [&](const std::vector<RunSpec>& runs,
                            const std::set<PaperTest>& tests = {PaperTest::adversary}) {
    return possible_runs(inputs, options, tests, runs);
  };
  std::vector<RunSpec> runs = planned_runs(inputs, options, {PaperTest::adversary});
  CHECK(possible(runs).larger_lambdas == std::vector<std::vector<RunSpec>>{{adversary(0.02), adversary(0.04)},
                                                                           {adversary(0.08), adversary(0.16)},
                                                                           {adversary(0.32), adversary(0.64)}});
  CHECK(possible(runs).other_seeds.size() == 2);
  CHECK(possible(runs, {PaperTest::guides}).larger_lambdas.empty());
  CHECK(possible(runs, {PaperTest::guides}).other_seeds.empty());
  // Also if those with one lambda are there already: another one may be the best.
  const std::vector<RunSpec> all = planned_runs(inputs, options, kAllTests);
  CHECK(possible(all).other_seeds.size() == 2);
  // Of lambda 0 there is no larger one.
  options.lambdas = {0};
  options.adversary_seed = 7;
  CHECK(possible(planned_runs(inputs, options, {PaperTest::adversary})).larger_lambdas.empty());
  CHECK(possible(planned_runs(inputs, options, {PaperTest::adversary})).other_seeds.size() == 2);
  options.lambdas = {0, 0.01};
  options.adversary_seed = {};

  // The grid is not complete: larger lambdas cannot follow, but the best one may still change.
  finish_run(inputs, plain(RunKind::base), attention_of(0.999F, 0.5F), 0.8);
  finish_run(inputs, adversary(1e-3), attention_of(0.001F, 0.5F), 0.6);
  CHECK(possible(all).larger_lambdas.empty());
  CHECK(possible(all).other_seeds.size() == 2);  // those with lambda 0.001 are there
  finish_run(inputs, adversary(0.01), attention_of(0.001F, 0.5F), 0.7);
  CHECK(possible(runs).larger_lambdas.empty());
  CHECK(possible(runs).other_seeds.size() == 2);
  finish_run(inputs, adversary(0), attention_of(0.9F, 0.5F), 0.7);
  CHECK(possible(runs).other_seeds == following_runs(inputs, options, {PaperTest::adversary}, runs));
  for (const RunSpec& spec : following_runs(inputs, options, {PaperTest::adversary}, runs)) runs.push_back(spec);
  CHECK(possible(runs).other_seeds.empty());
}

TEST_CASE("after the last larger lambdas nothing may follow") {
  const TemporaryFolder folder;
  const Inputs inputs = small_inputs(folder);
  StudyOptions options;
  options.lambdas = {0.01};
  options.repeats = 2;
  std::vector<RunSpec> runs = planned_runs(inputs, options, {PaperTest::adversary});
  const auto possible = [&] { return possible_runs(inputs, options, {PaperTest::adversary}, runs); };
  finish_run(inputs, plain(RunKind::base), attention_of(0.999F, 0.5F), 0.8);
  for (const double lambda : {1e-3, 0.01}) finish_run(inputs, adversary(lambda), attention_of(0.9F, 0.5F), 0.7);
  for (const double lambda : {0.02, 0.04, 0.08, 0.16, 0.32, 0.64}) {
    CHECK(possible().other_seeds.size() == 1);
    runs.push_back(adversary(lambda));
    finish_run(inputs, adversary(lambda), attention_of(0.9F, 0.5F), 0.7);
  }
  CHECK(possible().larger_lambdas.empty());
  CHECK(possible().other_seeds.empty());
}

TEST_CASE("the state of the grid: the largest JSD and lambda, and only finished runs count") {
  const TemporaryFolder folder;
  const Inputs inputs = small_inputs(folder);
  StudyOptions options;
  options.lambdas = {0.04, 0.01, 0.02};
  const std::vector<RunSpec> runs = planned_runs(inputs, options, {PaperTest::adversary});
  finish_run(inputs, plain(RunKind::base), attention_of(0.999F, 0.5F), 0.8);
  finish_run(inputs, adversary(0.01), attention_of(0.5F, 0.5F), 0.9);
  finish_run(inputs, adversary(0.02), attention_of(0.9F, 0.5F), 0.95);
  const GridState state = grid_state(inputs, options, runs);
  CHECK_FALSE(state.best);
  CHECK(state.largest_lambda == 0.02);
  // Of (0.999, 0.001) from (0.5, 0.5), from the definition.
  const auto entropy = [](double p) { return -p * std::log(p) - (1 - p) * std::log(1 - p); };
  CHECK(state.largest_jsd == doctest::Approx(entropy(0.7495) - (entropy(0.999) + entropy(0.5)) / 2).epsilon(1e-4));
  // The best of the far ones, although a near one has a better F1.
  finish_run(inputs, adversary(0.04), attention_of(0.001F, 0.5F), 0.5);
  CHECK(grid_state(inputs, options, runs).best == 0.04);
}

}  // namespace notnot
