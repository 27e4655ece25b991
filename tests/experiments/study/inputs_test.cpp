#include "experiments/study/inputs.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <tuple>

#include "engine/io/files.h"
#include "tests/experiments/study/run_specs.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

namespace notnot {

TEST_CASE("the precision is a choice of the runs with an LSTM; fp32 is not written, as in older folders") {
  const TemporaryFolder folder;
  Settings settings;
  settings.corpus.dataset = "planted";
  settings.runs = folder.path().string();
  Inputs inputs = load_inputs(settings);
  CHECK_FALSE(to_json(inputs.config(plain(RunKind::base))).at("choices").contains("precision"));
  inputs.settings.precision = "bf16x3";
  for (const RunKind kind : {RunKind::base, RunKind::uniform, RunKind::adversary, RunKind::perturbation}) {
    CHECK(inputs.config(plain(kind)).precision == Precision::bf16x3);
    CHECK(inputs.model(plain(kind)).precision == Precision::bf16x3);
  }
  for (const RunKind kind : {RunKind::trained_mlp, RunKind::uniform_mlp, RunKind::guided_mlp}) {
    CHECK(inputs.config(plain(kind)).precision == Precision::fp32);
    CHECK(inputs.model(plain(kind)).precision == Precision::fp32);
  }
}

TEST_CASE("the configuration of the built-in corpus says how it was made") {
  Settings settings;
  settings.corpus.dataset = "planted";
  settings.corpus.planted.difficulty = 0.75;
  settings.corpus.planted.seed = 4;
  const Inputs inputs = load_inputs(settings);
  const RunConfig config = inputs.config(plain(RunKind::base));
  CHECK(config.data.dataset == "planted");
  CHECK(config.data.corpus == "planted");
  CHECK(config.data.checksum.empty());
  CHECK(config.paths.data.empty());
  CHECK(config.has_checksums());
  CHECK(config.data.planted == PlantedOptions{.seed = 4, .difficulty = 0.75});
  CHECK(config.texts.train.negative == 1000);
  CHECK(config.texts.test.positive == 200);
  CHECK(config.vocabulary == inputs.corpus.dataset.vocabulary.size());
  CHECK(model_options(config).hidden == inputs.model(plain(RunKind::base)).hidden);
  CHECK(inputs.folder(plain(RunKind::base)).path() == "runs/planted-lstm-learned-seed10");
}

namespace {

Settings planted_settings() {
  Settings settings;
  settings.corpus.dataset = "planted";
  settings.hidden = 3;
  settings.threads = 1;
  return settings;
}

RunSpec attack(uint64_t seed, uint64_t base_seed) {
  return {.kind = RunKind::adversary,
          .seed = seed,
          .lambda = 1e-3,
          .other = run_name("planted", plain(RunKind::base, base_seed))};
}

}  // namespace

TEST_CASE("every seed starts from other parameters, an adversary from those of its own seed") {
  const Inputs inputs = load_inputs(planted_settings());
  const std::vector<float> ten = inputs.initial_parameters(plain(RunKind::base, 10)),
                           fifty = inputs.initial_parameters(plain(RunKind::base, 50));
  const ParameterLayout layout(inputs.model(plain(RunKind::base)));
  REQUIRE(ten.size() == static_cast<size_t>(layout.total()));
  for (const Parameter& parameter : layout.parameters()) {
    CAPTURE(parameter.name);
    CHECK_FALSE(std::equal(ten.begin() + parameter.offset, ten.begin() + parameter.offset + parameter.size,
                           fifty.begin() + parameter.offset));
  }
  CHECK(inputs.initial_parameters(plain(RunKind::base, 10)) == ten);
  CHECK(inputs.initial_parameters(attack(10, 10)) == ten);
  CHECK(inputs.initial_parameters(attack(50, 10)) == fifty);
  CHECK(inputs.initial_parameters(attack(50, 50)) == fifty);
  for (const RunKind kind : {RunKind::uniform, RunKind::trained_mlp, RunKind::uniform_mlp, RunKind::guided_mlp}) {
    CHECK(inputs.initial_parameters(plain(kind, 10)) != inputs.initial_parameters(plain(kind, 50)));
  }
}

TEST_CASE("word vectors are what the embedding of every kind of run starts from, whatever the seed") {
  const TemporaryFolder folder;
  Settings settings = planted_settings();
  settings.vectors = (folder / "mine.vec").string();
  write_atomically(settings.vectors, "word1 0.5 -2\npraise0 3 4\n");
  const Inputs inputs = load_inputs(settings);
  CHECK(inputs.embed == 2);
  CHECK(inputs.vectors_found == 2);
  const RunConfig config = inputs.config(plain(RunKind::base));
  CHECK(config.paths.vectors == settings.vectors);
  CHECK(config.embed == 2);
  CHECK(config.words_with_vectors == 2);
  const Vocabulary& vocabulary = inputs.corpus.dataset.vocabulary;
  for (const RunKind kind : {RunKind::base, RunKind::uniform, RunKind::adversary, RunKind::trained_mlp,
                             RunKind::uniform_mlp, RunKind::guided_mlp}) {
    for (const uint64_t seed : {10, 50}) {
      const std::vector<float> values = inputs.initial_parameters(plain(kind, seed));
      const auto row = [&](const char* word) { return values.begin() + 2 * vocabulary.id(word); };
      CHECK(std::vector<float>(row("word1"), row("word1") + 2) == std::vector<float>{0.5F, -2});
      CHECK(std::vector<float>(row("praise0"), row("praise0") + 2) == std::vector<float>{3, 4});
    }
  }
}

TEST_CASE("parameters of --init: finite, and of the words of the data set as far as that is known") {
  const TemporaryFolder folder;
  Settings settings = planted_settings();
  const Inputs random = load_inputs(settings);
  const ParameterLayout layout(random.model(plain(RunKind::base)));
  std::vector<float> values = random.initial_parameters(plain(RunKind::base));
  settings.init = (folder / "mine.safetensors").string();
  write_safetensors(settings.init, parameter_views(layout, values));
  const Inputs good = load_inputs(settings);
  CHECK(good.initial_parameters(plain(RunKind::base)) == values);
  REQUIRE(good.corpus.warnings.size() == 1);
  CHECK_HAS(good.corpus.warnings[0], "mine.safetensors does not lie in the folder of its run");
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    values[layout.find("encoder.rnn.bias_ih_l0").offset + 2] = value;
    write_safetensors(settings.init, parameter_views(layout, values));
    CHECK_HAS(input_error([&] { load_inputs(settings).initial_parameters(plain(RunKind::base)); }),
              fmt::format("mine.safetensors: value 3 of `encoder.rnn.bias_ih_l0` is {}", value));
  }
}

TEST_CASE("the user's settings become the options of the training, of each kind of run its own") {
  Inputs inputs = load_inputs(planted_settings());
  TrainingOptions defaults = inputs.training(plain(RunKind::base, 7));
  CHECK(defaults.seed == 7);
  CHECK(defaults.epochs == 8);
  CHECK(defaults.batch_size == 32);
  CHECK(defaults.select == SplitName::test);
  CHECK(defaults.objective == Objective::classify);
  CHECK(defaults.patience == 10);
  inputs.settings.epochs = 3;
  inputs.settings.adversary_epochs = 5;
  inputs.settings.batch = 16;
  inputs.settings.select = "dev";
  inputs.settings.patience = 4;
  inputs.settings.tvd = "two-class";
  for (const RunKind kind :
       {RunKind::base, RunKind::uniform, RunKind::trained_mlp, RunKind::uniform_mlp, RunKind::guided_mlp}) {
    const TrainingOptions training = inputs.training(plain(kind, 7));
    CHECK(training.seed == 7);
    CHECK(training.epochs == 3);
    CHECK(training.batch_size == 16);
    CHECK(training.select == SplitName::dev);
    CHECK(training.objective == Objective::classify);
  }
  const TrainingOptions adversary = inputs.training(attack(7, 10));
  CHECK(adversary.seed == 7);
  CHECK(adversary.epochs == 5);
  CHECK(adversary.batch_size == 16);
  CHECK(adversary.objective == Objective::adversary);
  CHECK(adversary.lambda == 1e-3);
  CHECK(adversary.tvd_factor == 1);
  CHECK(adversary.patience == 4);
  inputs.settings.tvd = "single";
  CHECK(inputs.training(attack(7, 10)).tvd_factor == 0.5);
}

TEST_CASE("the model of a run: its encoder, its attention and its sizes") {
  const Inputs inputs = load_inputs(planted_settings());
  for (const auto& [kind, encoder, attention] : {std::tuple(RunKind::base, Encoder::lstm, AttentionKind::learned),
                                                 {RunKind::uniform, Encoder::lstm, AttentionKind::uniform},
                                                 {RunKind::trained_mlp, Encoder::tokens, AttentionKind::learned},
                                                 {RunKind::uniform_mlp, Encoder::tokens, AttentionKind::uniform},
                                                 {RunKind::guided_mlp, Encoder::tokens, AttentionKind::given},
                                                 {RunKind::adversary, Encoder::lstm, AttentionKind::learned},
                                                 {RunKind::perturbation, Encoder::lstm, AttentionKind::learned}}) {
    const ModelOptions model = inputs.model(plain(kind));
    CHECK(model.encoder == encoder);
    CHECK(model.attention == attention);
    CHECK(model.hidden == 3);
    CHECK(model.embed == 300);
    CHECK(model.vocabulary == inputs.corpus.dataset.vocabulary.size());
  }
}

TEST_CASE("the sizes in the configuration are those of each split, boundary tokens included") {
  const TemporaryFolder folder;
  write_atomically(folder / "own.csv",
                   "text,label,split\na b,1,train\nc,1,train\nd e f,0,train\na,1,dev\nb,0,dev\nc d,0,dev\na,1,test\n"
                   "b c,0,test\n");
  Settings settings = planted_settings();
  settings.corpus.dataset = (folder / "own.csv").string();
  const RunConfig config = load_inputs(settings).config(plain(RunKind::base));
  const auto sizes = [&](SplitName split) {
    return std::array<int64_t, 3>{config.texts[split].negative, config.texts[split].positive,
                                  config.texts[split].tokens};
  };
  CHECK(sizes(SplitName::train) == std::array<int64_t, 3>{1, 2, 6 + 3 * 2});
  CHECK(sizes(SplitName::dev) == std::array<int64_t, 3>{2, 1, 4 + 3 * 2});
  CHECK(sizes(SplitName::test) == std::array<int64_t, 3>{1, 1, 3 + 2 * 2});
  CHECK(config.vocabulary == 4 + 6);
  CHECK(config.words_with_vectors == 0);
}

}  // namespace notnot
