// What a run of a study is given: its own seed, its first parameters, and the user's settings.
#include <doctest/doctest.h>

#include <set>
#include <vector>

#include "experiments/study/inputs.h"
#include "tests/experiments/study/run_specs.h"

namespace notnot {
namespace {

Inputs small_inputs(const Settings& changes = {}) {
  Settings settings = changes;
  settings.corpus.dataset = "planted";
  settings.device = "cpu";
  if (settings.hidden == 128) settings.hidden = 4;
  return load_inputs(settings);
}

RunSpec of_kind(RunKind kind, uint64_t seed) { return {.kind = kind, .seed = seed, .lambda = 0.25, .other = "other"}; }

constexpr RunKind kTrained[] = {RunKind::base,        RunKind::uniform,     RunKind::adversary,
                                RunKind::trained_mlp, RunKind::uniform_mlp, RunKind::guided_mlp};

TEST_CASE("every seed of a study starts from parameters of its own, and draws its own batches") {
  const Inputs inputs = small_inputs();
  for (const RunKind kind : kTrained) {
    std::set<std::vector<float>> starts;
    for (const uint64_t seed : {10, 50, 257, 500231, 2}) {
      const RunSpec spec = of_kind(kind, seed);
      CHECK(inputs.training(spec).seed == seed);
      CHECK(inputs.config(spec).training.seed == seed);
      const std::vector<float> start = inputs.initial_parameters(spec);
      CHECK(start == initial_parameters(ParameterLayout(inputs.model(spec)), seed, {}));
      starts.insert(start);
    }
    CHECK(starts.size() == 5);
  }
}

TEST_CASE("the base model, its uniform twin and its adversary start from the same parameters") {
  const Inputs inputs = small_inputs();
  const auto start = [&](RunKind kind) { return inputs.initial_parameters(of_kind(kind, 10)); };
  CHECK(start(RunKind::uniform) == start(RunKind::base));
  CHECK(start(RunKind::adversary) == start(RunKind::base));
  CHECK(start(RunKind::uniform_mlp) == start(RunKind::trained_mlp));
  CHECK(start(RunKind::guided_mlp) == start(RunKind::trained_mlp));
}

TEST_CASE("the defaults are the published protocol") {
  const Inputs inputs = small_inputs();
  const TrainingOptions base = inputs.training(of_kind(RunKind::base, 10));
  CHECK(base.epochs == 8);
  CHECK(base.batch_size == 32);
  CHECK(base.select == SplitName::test);
  CHECK(base.objective == Objective::classify);
  CHECK(base.optimiser.learning_rate == 1e-3);
  CHECK(base.optimiser.beta1 == 0.9);
  CHECK(base.optimiser.beta2 == 0.999);
  CHECK(base.optimiser.epsilon == 1e-8);
  CHECK(base.optimiser.weight_decay == 1e-5);
  const TrainingOptions adversary = inputs.training(of_kind(RunKind::adversary, 10));
  CHECK(adversary.epochs == 80);
  CHECK(adversary.patience == 10);
  CHECK(adversary.objective == Objective::adversary);
  CHECK(adversary.tvd_factor == 0.5);  // one sigmoid output
  CHECK(adversary.lambda == 0.25);
  CHECK(Settings{}.hidden == 128);
  CHECK(inputs.model(of_kind(RunKind::base, 10)).embed == 300);
}

TEST_CASE("every setting arrives where it belongs") {
  Settings settings;
  settings.select = "dev";
  settings.epochs = 3;
  settings.batch = 5;
  settings.hidden = 7;
  settings.adversary_epochs = 11;
  settings.patience = 2;
  settings.tvd = "two-class";
  const Inputs inputs = small_inputs(settings);
  for (const RunKind kind : kTrained) {
    const TrainingOptions training = inputs.training(of_kind(kind, 10));
    const bool adversary = kind == RunKind::adversary;
    CHECK(training.epochs == (adversary ? 11 : 3));
    CHECK(training.batch_size == 5);
    CHECK(training.select == SplitName::dev);
    CHECK((training.objective == Objective::adversary) == adversary);
    CHECK(training.tvd_factor == 1);
    CHECK(training.patience == 2);
    const ModelOptions model = inputs.model(of_kind(kind, 10));
    CHECK(model.hidden == 7);
    const bool tokens = kind == RunKind::trained_mlp || kind == RunKind::uniform_mlp || kind == RunKind::guided_mlp;
    CHECK((model.encoder == Encoder::tokens) == tokens);
    CHECK((model.attention == AttentionKind::uniform) == (kind == RunKind::uniform || kind == RunKind::uniform_mlp));
    CHECK((model.attention == AttentionKind::given) == (kind == RunKind::guided_mlp));
    CHECK(model.vocabulary == 474);  // 470 words of the planted corpus and four reserved ids
  }
}

TEST_CASE("the planted corpus is made with the options that were asked for") {
  const PlantedOptions options{
      .seed = 4, .train = 20, .dev = 10, .test = 12, .min_length = 9, .max_length = 11, .difficulty = 1};
  const Dataset asked = load_corpus({.dataset = "planted", .planted = options}).dataset;
  const Dataset made = make_dataset("planted", make_planted_corpus(options), {});
  CHECK(asked.split(SplitName::train).size() == 20);
  CHECK(asked.split(SplitName::dev).size() == 10);
  CHECK(asked.split(SplitName::test).size() == 12);
  for (const SplitName name : kSplitNames) CHECK(asked.split(name).token_ids == made.split(name).token_ids);
}

TEST_CASE("the sizes of the data are those of each split and class") {
  const RunConfig config = small_inputs().config(of_kind(RunKind::base, 10));
  const BySplit<int64_t> half = {1000, 200, 200};
  const Dataset data = load_corpus({.dataset = "planted"}).dataset;
  for (const SplitName name : kSplitNames) {
    CHECK(config.texts[name].negative == half[name]);
    CHECK(config.texts[name].positive == half[name]);
    CHECK(config.texts[name].tokens == data.split(name).offsets.back());
  }
}

}  // namespace
}  // namespace notnot
