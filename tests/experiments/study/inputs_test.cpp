#include "experiments/study/inputs.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/experiments/study/run_specs.h"
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
  CHECK(config.data.difficulty == 0.75);
  CHECK(config.data.corpus_seed == 4);
  CHECK(config.texts.train.negative == 1000);
  CHECK(config.texts.test.positive == 200);
  CHECK(config.vocabulary == inputs.corpus.dataset.vocabulary.size());
  CHECK(model_options(config).hidden == inputs.model(plain(RunKind::base)).hidden);
  CHECK(inputs.folder(plain(RunKind::base)).path() == "runs/planted-lstm-learned-seed10");
}

}  // namespace notnot
