#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/io/input_error.h"
#include "engine/runs/attention.h"
#include "experiments/study/plan.h"
#include "experiments/study/run_spec.h"
#include "tests/support/temporary_folder.h"

namespace notnot {
namespace {

RunSpec plain(RunKind kind, uint64_t seed = 10) { return {.kind = kind, .seed = seed, .lambda = 0, .other = {}}; }

Setup small_setup(const TemporaryFolder& folder) {
  SetupArguments arguments;
  arguments.corpus.dataset = "planted";
  arguments.runs = folder.path().string();
  return make_setup(arguments);
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
void finish_run(const Setup& setup, const RunSpec& spec, const Attention& attention, double f1) {
  RunWriter writer(RunFolder(setup.arguments.runs, run_name(setup.name(), spec)));
  writer.start(setup.config(spec));
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

TEST_CASE("a run's choices give back its spec, and its name tells it apart") {
  const std::string base = run_name("sst", plain(RunKind::base)),
                    other_base = run_name("sst", plain(RunKind::base, 50));
  std::set<std::string> names;
  const std::vector<RunSpec> specs = {plain(RunKind::base),
                                      plain(RunKind::base, 50),
                                      plain(RunKind::uniform),
                                      plain(RunKind::trained_mlp),
                                      plain(RunKind::uniform_mlp),
                                      {.kind = RunKind::guided_mlp, .seed = 10, .lambda = 0, .other = base},
                                      {.kind = RunKind::guided_mlp, .seed = 10, .lambda = 0, .other = "external-mine"},
                                      {.kind = RunKind::adversary, .seed = 10, .lambda = 5.25e-4, .other = base},
                                      {.kind = RunKind::adversary, .seed = 10, .lambda = 5.25e-4, .other = other_base},
                                      {.kind = RunKind::perturbation, .seed = 10, .lambda = 0, .other = base}};
  for (const RunSpec& spec : specs) {
    CHECK(spec_of(choices_of(spec)) == spec);
    CHECK(names.insert(run_name("sst", spec)).second);
  }
  CHECK(run_name("sst", specs[7]) == "sst-adversary-lambda0.000525-seed10");
  CHECK(run_name("sst", specs[8]) == "sst-adversary-lambda0.000525-seed10-of-lstm-learned-seed50");
  CHECK(run_name("sst", specs[5]) == "sst-tokens-given-seed10-by-lstm-learned-seed10");
}

TEST_CASE("the paper's runs: 9 seeds, 12 lambdas and one more start, 4 MLPs, no run twice") {
  const TemporaryFolder folder;
  const Setup setup = small_setup(folder);
  const std::vector<RunSpec> runs = planned_runs(setup, {}, kAllTests);
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

TEST_CASE("the precision is a choice of the runs with an LSTM; fp32 is not written, as in older folders") {
  const TemporaryFolder folder;
  Setup setup = small_setup(folder);
  CHECK_FALSE(setup.config(plain(RunKind::base)).at("choices").contains("precision"));
  setup.arguments.precision = "bf16x3";
  for (const RunKind kind : {RunKind::base, RunKind::uniform, RunKind::adversary, RunKind::perturbation}) {
    CHECK(setup.config(plain(kind)).at("choices").at("precision") == "bf16x3");
    CHECK(setup.model(plain(kind)).precision == Precision::bf16x3);
  }
  for (const RunKind kind : {RunKind::trained_mlp, RunKind::uniform_mlp, RunKind::guided_mlp}) {
    CHECK_FALSE(setup.config(plain(kind)).at("choices").contains("precision"));
    CHECK(setup.model(plain(kind)).precision == Precision::fp32);
  }
}

TEST_CASE("five repeats: five of every cell, each with what its own seed gave") {
  const TemporaryFolder folder;
  const Setup setup = small_setup(folder);
  StudyOptions options;
  options.repeats = 5;
  const std::vector<RunSpec> runs = planned_runs(setup, options, kAllTests);
  CHECK(count(runs, RunKind::base) == 9);
  CHECK(count(runs, RunKind::uniform) == 5);
  CHECK(count(runs, RunKind::guided_mlp) == 10);
  CHECK(count(runs, RunKind::adversary) == 17);
  CHECK(contains(runs, adversary(1e-3, 257)));
  CHECK(contains(
      runs,
      {.kind = RunKind::guided_mlp, .seed = 257, .lambda = 0, .other = run_name("planted", adversary(1e-3, 257))}));
}

TEST_CASE("what follows the grid: larger lambdas until the attention is far, then the best for the other seeds") {
  const TemporaryFolder folder;
  const Setup setup = small_setup(folder);
  StudyOptions options;
  options.lambdas = {0, 0.01};
  options.repeats = 2;
  std::vector<RunSpec> runs = planned_runs(setup, options, {PaperTest::adversary});
  const auto following = [&] { return following_runs(setup, options, {PaperTest::adversary}, runs); };
  const auto train = [&](const RunSpec& spec, float first_weight, double f1) {
    finish_run(setup, spec, attention_of(first_weight, 0.5F), f1);
  };
  CHECK(following().empty());  // not even the base is there
  train(plain(RunKind::base), 0.999F, 0.8);
  train(adversary(0), 0.99F, 0.9);
  train(adversary(0.01), 0.5F, 0.7);
  CHECK(grid_state(setup, options, runs).largest_lambda == 0.01);
  CHECK(!grid_state(setup, options, runs).best);

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
    const GridState state = grid_state(setup, options, runs);
    REQUIRE(state.best);
    CHECK(*state.best == 0.02);
    CHECK(state.largest_jsd > kFarAttention);
    CHECK(following() == std::vector<RunSpec>{adversary(0.02, 50)});
  }
  SUBCASE("another adversary than the base seed's does not count") {
    runs.push_back(adversary(0.02, 50));
    train(adversary(0.02, 50), 0.001F, 0.99);
    CHECK(!grid_state(setup, options, runs).best);
  }
}

TEST_CASE("divergences of two models, worked by hand") {
  const Attention a = attention_of(0.5F, 0.25F), b = attention_of(0.75F, 0.75F);
  const Divergences both = divergences(a, b, 0.5);
  CHECK(both.mean_tvd() == doctest::Approx(0.25));
  CHECK(divergences(a, b, 1.0).mean_tvd() == doctest::Approx(0.5));
  // m = (0.625, 0.375): 0.5 (0.5 ln 0.8 + 0.5 ln (4/3)) + 0.5 (0.75 ln 1.2 + 0.25 ln (2/3))
  CHECK(both.mean_jsd() == doctest::Approx(0.0338221).epsilon(1e-5));
  CHECK(divergences(a, a, 0.5).mean_jsd() == 0);
  Attention other = b;
  other.row = {1, 3};
  CHECK_THROWS_AS(divergences(a, other, 0.5), InputError);
}

}  // namespace notnot
