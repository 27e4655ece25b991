#include "experiments/study/run_config.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/io/files.h"
#include "engine/runs/run_writer.h"
#include "tests/experiments/study/run_specs.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

namespace notnot {
namespace {

using Json = nlohmann::json;
using Keys = std::vector<std::string>;

/// A configuration in which every member differs from its default.
RunConfig sample(const RunSpec& spec) {
  const bool adversary = is_adversary(spec.kind == RunKind::attribution ? spec.model : spec.kind);
  RunConfig config{
      .data = {.dataset = "sst",
               .corpus = "csv",
               .options = {.min_df = 2, .filter_by_length = true, .min_length = 5, .max_length = 60},
               .checksum = "abc",
               .synthetic = true,
               .tokenise = "words",
               .planted = PlantedOptions{.seed = 3,
                                         .min_length = 9,
                                         .max_length = 200,
                                         .difficulty = 0.5,
                                         .weights = {1, 2, 4},
                                         .spurious = 0.25,
                                         .label_noise = 0.125}},
      .spec = spec,
      .embed = 100,
      .hidden = 64,
      .precision = Precision::bf16x3,
      .vectors_checksum = "1ab",
      .init_checksum = "2ab",
      .training =
          {.seed = spec.seed,
           .epochs = 7,
           .batch_size = 16,
           .select = adversary ? SplitName::test : SplitName::dev,
           .objective = adversary ? Objective::adversary : Objective::classify,
           .tvd_factor = adversary ? 1.0 : 0.5,
           .lambda = spec.lambda,
           .patience = adversary ? 3 : 10,
           .optimiser = {.learning_rate = 0.1, .beta1 = 0.8, .beta2 = 0.9, .epsilon = 1e-7, .weight_decay = 1e-4}},
      .other_checksum = "def",
      .importance = Importance::softmax,
      .paths = {.data = "data/sst.csv",
                .vectors = "wiki.vec",
                .init = "start.safetensors",
                .attention = "theirs.jsonl"},
      .vocabulary = 13826,
      .texts = {{3034, 3321, 150000}, {397, 424, 20000}, {863, 862, 40000}},
      .words_with_vectors = 11171,
      .devices = {"cpu (avx2)", "cuda:0 (NVIDIA H100)"},
      .cuda_connections = "32",
      .version = "0.1.0",
      .commit = "abcdef",
      .resumed_by = {"0.2.0, commit fedcba"}};
  return config;
}

std::string error_of(const Json& json) {
  return input_error([&] { parse_run_config(json); });
}

}  // namespace

TEST_CASE("config.json: what was written is read back, for every kind of run") {
  for (const RunSpec& spec : specs()) {
    const RunConfig config = sample(spec);
    const Json json = to_json(config);
    CAPTURE(json.dump());
    const RunConfig back = parse_run_config(json);
    CHECK(back.spec == spec);
    CHECK(to_json(back) == json);
    CHECK(differing_choices(config, back).empty());
  }
}

TEST_CASE("config.json: the keys, which other programs read") {
  const RunSpec spec = specs().back();
  const Json expected = Json::parse(R"json({
    "choices": {"attention": "learned", "batch": 16, "beta1": 0.8, "beta2": 0.9, "corpus": "csv", "corpus_seed": 3,
                "data_checksum": "abc", "dataset": "sst", "difficulty": 0.5, "embed": 100, "encoder": "lstm", "epochs": 7,
                "epsilon": 1e-7, "evidence_weights": [1, 2, 4], "label_noise": 0.125, "max_words": 200, "min_words": 9,
                "spurious": 0.25, "hidden": 64, "importance": "softmax", "init_checksum": "2ab", "learning_rate": 0.1,
                "length_filter": true,
                "max_length": 60, "min_df": 2, "min_length": 5, "other": "sst-lstm-learned-seed50",
                "other_checksum": "def", "perturbation": true, "precision": "bf16x3",
                "seed": 10, "select": "dev", "synthetic": true, "tokenise": "words", "vectors_checksum": "1ab", "weight_decay": 1e-4},
    "commit": "abcdef",
    "cuda_device_max_connections": "32",
    "data": {"splits": {"dev": {"negative": 397, "positive": 424, "tokens": 20000},
                        "test": {"negative": 863, "positive": 862, "tokens": 40000},
                        "train": {"negative": 3034, "positive": 3321, "tokens": 150000}},
             "vocabulary": 13826, "words_with_vectors": 11171},
    "devices": ["cpu (avx2)", "cuda:0 (NVIDIA H100)"],
    "resumed_by": ["0.2.0, commit fedcba"],
    "paths": {"attention": "theirs.jsonl", "data": "data/sst.csv", "init": "start.safetensors", "vectors": "wiki.vec"},
    "version": "0.1.0"
})json");
  CHECK(to_json(sample(spec)) == expected);
  const Json adversary = to_json(sample(specs()[8]))["choices"];
  CHECK(adversary["objective"] == "adversary");
  CHECK(adversary["lambda"] == 5.25e-4);
  CHECK(adversary["tvd_factor"] == 1.0);
  CHECK(adversary["patience"] == 3);
  CHECK_FALSE(adversary.contains("select"));
}

TEST_CASE("config.json: defaults that are not written") {
  RunConfig config = sample(plain(RunKind::base));
  config.data.options = {.min_df = 1};
  config.data.checksum = config.other_checksum = "";
  config.devices = config.resumed_by = {};
  config.cuda_connections = "";
  config.importance = Importance::weights;
  config.vectors_checksum = config.init_checksum = "";
  config.paths = {};
  config.data.synthetic = false;
  config.data.tokenise = "";
  config.data.planted = std::nullopt;
  config.precision = Precision::fp32;
  const Json json = to_json(config);
  for (const char* key :
       {"data_checksum", "vectors_checksum", "init_checksum", "other_checksum", "synthetic", "tokenise", "difficulty",
        "corpus_seed", "evidence", "evidence_weights", "spurious", "label_noise", "min_words", "max_words", "precision",
        "other", "objective", "perturbation", "importance"}) {
    CAPTURE(key);
    CHECK_FALSE(json["choices"].contains(key));
  }
  CHECK(json["choices"]["min_length"].is_null());
  CHECK(json["paths"] == Json::object());
  CHECK_FALSE(json.contains("devices"));
  CHECK_FALSE(json.contains("resumed_by"));
  CHECK(to_json(parse_run_config(json)) == json);
}

TEST_CASE("config.json is read strictly: every key must be there, be known and have its type") {
  const Json good = to_json(sample(specs()[8]));
  REQUIRE(parse_run_config(good).spec == specs()[8]);
  for (const auto& choice : good["choices"].items()) {
    const std::string& key = choice.key();
    CAPTURE(key);
    Json bad = good;
    bad["choices"][key] = Json::array();
    CHECK(error_of(bad) != "no InputError was thrown");
    bad = good;
    bad["choices"].erase(key);
    const bool optional = key.ends_with("_checksum") || key == "synthetic" || key == "tokenise" ||
                          key == "evidence_weights" || key == "spurious" || key == "label_noise" ||
                          key == "min_words" || key == "max_words" || key == "precision" || key == "importance";
    CHECK((error_of(bad) == "no InputError was thrown") == optional);
  }
  // Each error names its key.
  const std::vector<std::pair<const char*, Json>> wrong = {{"hidden", "4"},
                                                           {"hidden", 4.0},
                                                           {"hidden", 0},
                                                           {"hidden", -4},
                                                           {"hidden", 400000000},
                                                           {"seed", true},
                                                           {"seed", -1},
                                                           {"seed", 10.0},
                                                           {"epochs", 0},
                                                           {"embed", 0},
                                                           {"batch", 1.5},
                                                           {"lambda", "0.001"},
                                                           {"lambda", nullptr},
                                                           {"encoder", 3},
                                                           {"length_filter", "yes"},
                                                           {"min_length", nullptr},
                                                           {"attention", nullptr},
                                                           {"importance", "weights"},
                                                           {"importance", "soft"},
                                                           {"patience", 0},
                                                           {"learning_rate", nullptr}};
  for (const auto& choice : wrong) {
    const std::string key = choice.first;
    CAPTURE(key);
    CAPTURE(choice.second.dump());
    Json broken = good;
    broken["choices"][key] = choice.second;
    CHECK_HAS(error_of(broken), key);
  }
  for (const char* key : {"negative", "positive", "tokens"}) {
    Json broken = good;
    broken["data"]["splits"]["dev"][key] = -5;
    CHECK_HAS(error_of(broken), key);
  }
  Json bad = good;
  bad["choices"]["temperature"] = 2;
  CHECK_HAS(error_of(bad), "choices.temperature");
  bad = good;
  bad["choices"]["attention"] = "hard";
  CHECK_HAS(error_of(bad), "choices.attention");
  bad = good;
  bad["choices"]["select"] = "dev";  // an adversary has none
  CHECK_HAS(error_of(bad), "choices.select");
  bad = good;
  bad["data"]["splits"]["test"].erase("tokens");
  CHECK_HAS(error_of(bad), "tokens");
  bad = good;
  bad["paths"]["data"] = 3;
  CHECK_HAS(error_of(bad), "data");
  bad = good;
  bad["paths"]["folds"] = "folds";
  CHECK_HAS(error_of(bad), "paths.folds");
  for (const char* key : {"choices", "data", "paths"}) {
    bad = good;
    bad.erase(key);
    CHECK_HAS(error_of(bad), key);
  }
  CHECK(error_of(Json::array()) != "no InputError was thrown");
}

TEST_CASE("a folder's configuration: errors name the file and the remedy") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "run");
  RunWriter writer(run);
  writer.start(to_json(sample(plain(RunKind::base))));
  CHECK(read_run_config(run).hidden == 64);
  CHECK_FALSE(read_run_config(run).version.empty());
  write_atomically(run.config_path(), "{}");
  const std::string message = input_error([&] { read_run_config(run); });
  CHECK_HAS(message, run.config_path().string());
  CHECK_HAS(message, "give a folder that this version of notnot wrote");
}

TEST_CASE("two runs are the same run when choices and sizes agree") {
  const RunConfig config = sample(specs()[8]);
  RunConfig other = config;
  other.devices = {"cuda:0 (NVIDIA H200)"};
  other.version = other.commit = "x";
  other.paths = {.data = "elsewhere/sst.csv", .vectors = "link.vec", .init = {}, .attention = {}};
  CHECK(differing_choices(config, other).empty());
  other.hidden = 32;
  other.training.optimiser.learning_rate = std::nextafter(0.1, 1.0);
  other.texts.train.tokens = 1;
  CHECK(differing_choices(config, other) == Keys{"hidden", "learning_rate", "sizes.splits.train.tokens"});
  CHECK(differing_choices(other, config) == Keys{"hidden", "learning_rate", "sizes.splits.train.tokens"});
  other = config;
  other.precision = Precision::fp32;
  CHECK(differing_choices(config, other) == Keys{"precision"});
  other = config;
  other.data.checksum = other.vectors_checksum = other.init_checksum = "another";
  CHECK(differing_choices(config, other) == Keys{"data_checksum", "init_checksum", "vectors_checksum"});
  other = config;
  other.data.corpus = "sst";
  CHECK(differing_choices(config, other) == Keys{"corpus"});
  other = config;
  other.importance = Importance::absolute;
  CHECK(differing_choices(config, other) == Keys{"importance"});
}

TEST_CASE("a mark of confidential texts is kept, and makes no other run of it") {
  const RunConfig config = sample(plain(RunKind::base));
  CHECK_FALSE(config.is_confidential());
  CHECK_FALSE(to_json(config).contains("confidential"));
  RunConfig marked = config;
  marked.confidential = true;
  CHECK(parse_run_config(to_json(marked)).is_confidential());
  CHECK(differing_choices(config, marked).empty());
  RunConfig clinical = config;  // of an earlier version, without a mark
  clinical.data.corpus = "anemia";
  CHECK(clinical.is_confidential());
}

TEST_CASE("runs are comparable if they have read the same texts, and the same vectors where both have some") {
  const RunConfig config = sample(plain(RunKind::base));
  RunConfig other = sample(plain(RunKind::uniform, 3));
  other.hidden = 32;
  other.vectors_checksum = "";
  CHECK(differing_inputs(config, other).empty());
  CHECK(differing_inputs(other, config).empty());
  other.vectors_checksum = "another";
  other.data.checksum = "another";
  other.data.options.max_length = 7;
  other.data.planted->difficulty = 1;
  const Keys expected = {"data_checksum", "difficulty", "max_length", "vectors_checksum"};
  CHECK(differing_inputs(config, other) == expected);
  CHECK(differing_content(config, other) == Keys{"data_checksum", "difficulty"});
}

TEST_CASE(
    "the options of the planted corpus that earlier versions did not have are written where they are no defaults") {
  RunConfig config = sample(plain(RunKind::base));
  config.data.planted = PlantedOptions{.seed = 4};
  Json choices = to_json(config)["choices"];
  CHECK(choices["difficulty"] == 0.25);
  CHECK(choices["corpus_seed"] == 4);
  for (const char* key : {"evidence", "evidence_weights", "spurious", "label_noise", "min_words", "max_words"}) {
    CAPTURE(key);
    CHECK_FALSE(choices.contains(key));
  }
  RunConfig other = config;
  other.data.planted->evidence = EvidenceKind::conjunction;
  other.data.planted->label_noise = 0.1;
  CHECK(to_json(other)["choices"]["evidence"] == "conjunction");
  CHECK(parse_run_config(to_json(other)).data.planted == other.data.planted);
  const Keys keys = {"evidence", "label_noise"};
  CHECK(differing_choices(config, other) == keys);
  CHECK(differing_content(config, other) == keys);
  Json bad = to_json(other);
  bad["choices"]["evidence"] = "irony";
  CHECK_HAS(error_of(bad), "evidence");
  bad = to_json(other);
  bad["choices"]["label_noise"] = 0.75;
  CHECK_HAS(error_of(bad), "label noise 0.75");
}

TEST_CASE("keys in words: those that do not speak for themselves are explained") {
  CHECK(in_words({"batch", "data_checksum", "hidden"}) ==
        "batch, data_checksum: the bytes of the data have changed (content, packing or line ends), hidden");
  CHECK(in_words({}).empty());
}

TEST_CASE("a configuration without a checksum of what the run has read is told from one that has all") {
  const RunConfig good = sample(plain(RunKind::base));
  CHECK(good.has_checksums());
  for (std::string RunConfig::*checksum : {&RunConfig::vectors_checksum, &RunConfig::init_checksum}) {
    RunConfig config = good;
    config.*checksum = "";
    CHECK_FALSE(config.has_checksums());
    config.paths = {.data = "data/sst.csv", .vectors = {}, .init = {}, .attention = {}};
    (checksum == &RunConfig::vectors_checksum ? config.init_checksum : config.vectors_checksum) = "";
    CHECK(config.has_checksums());
  }
  RunConfig config = good;
  config.data.checksum = "";
  CHECK_FALSE(config.has_checksums());
  config.data.corpus = "planted";
  CHECK(config.has_checksums());
}

TEST_CASE("the configuration of version 0.1.0 is read, with paths and without checksums") {
  Json old = to_json(sample(plain(RunKind::guided_mlp)));
  old.erase("paths");
  old.erase("devices");
  old.update({{"device", "cpu (avx2)"}, {"threads", 4}});
  old["choices"].erase("corpus");
  old["choices"].erase("vectors_checksum");
  old["choices"].erase("init_checksum");
  old["choices"].update({{"data", "prepared/sst"}, {"vectors", "wiki.vec"}, {"init", ""}, {"other_file", "a.jsonl"}});
  const RunConfig config = parse_run_config(old);
  CHECK(config.hidden == 64);
  CHECK(config.paths.data == "prepared/sst");
  CHECK(config.paths.vectors == "wiki.vec");
  CHECK(config.paths.init.empty());
  CHECK(config.paths.attention == "a.jsonl");
  CHECK(config.devices == std::vector<std::string>{"cpu (avx2)"});
  CHECK(config.data.checksum.empty());  // it was that of dataset.json, which says more than the data
  CHECK_FALSE(config.has_checksums());

  // The built-in corpus: it has no checksums, but the results of such a run have another form than today's.
  old["choices"].update({{"data", ""}, {"vectors", ""}, {"other_file", ""}});
  CHECK(parse_run_config(old).data.corpus.empty());
  CHECK_FALSE(parse_run_config(old).has_checksums());

  old["choices"]["temperature"] = 2;
  CHECK_HAS(error_of(old), "choices.temperature");
  old["choices"].erase("temperature");
  old["choices"]["data"] = 3;
  CHECK_HAS(error_of(old), "data");
}

TEST_CASE("the programs that trained a run, in words") {
  RunConfig config = sample(plain(RunKind::base));
  CHECK(programs_in_words(config) == "0.1.0, commit abcdef, then 0.2.0, commit fedcba");
  CHECK(last_program(config) == "0.2.0, commit fedcba");
  config.resumed_by = {};
  CHECK(last_program(config) == "0.1.0, commit abcdef");
  config.commit = "";  // built outside a clone
  CHECK(programs_in_words(config) == "0.1.0");
}

TEST_CASE("the checksum of the other run counts as soon as it is known") {
  const RunConfig finished = sample(specs()[8]);
  RunConfig requested = finished;
  requested.other_checksum = "";
  CHECK(differing_choices(finished, requested).empty());
  CHECK(differing_choices(requested, finished) == Keys{"other_checksum"});
  requested.other_checksum = "another";
  CHECK(differing_choices(finished, requested) == Keys{"other_checksum"});
}

TEST_CASE("the model of a run") {
  const ModelOptions base = model_options(sample(plain(RunKind::base)));
  CHECK(base.encoder == Encoder::lstm);
  CHECK(base.attention == AttentionKind::learned);
  CHECK(base.vocabulary == 13826);
  CHECK(base.embed == 100);
  CHECK(base.hidden == 64);
  CHECK(base.precision == Precision::bf16x3);
  const ModelOptions guided = model_options(sample(specs()[5]));
  CHECK(guided.encoder == Encoder::tokens);
  CHECK(guided.attention == AttentionKind::given);
  CHECK(model_options(sample(plain(RunKind::uniform_mlp))).attention == AttentionKind::uniform);
}

}  // namespace notnot
