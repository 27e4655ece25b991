#pragma once
// Run folders for the tests of the report. RunWriter writes them, as in training, but their numbers are made up, and
// each has only a few texts.
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/runs/run_writer.h"
#include "experiments/study/run_config.h"
#include "kernels/base/error.h"
#include "tests/support/temporary_folder.h"

namespace notnot {

/// A text of a test split, and how a model sees it.
struct FakeText {
  std::string words;
  int32_t label;
  float probability;
  std::vector<float> attention;  ///< a weight per word
};

/// Two texts under a base model. The words of the second one must be escaped in HTML.
inline const std::vector<FakeText> kTexts = {{"good film", 1, 0.9F, {0.75F, 0.25F}},
                                             {"<i>\"bad\"&'film'</i> x", 0, 0.2F, {1, 0}}};

inline std::vector<FakeText> with_attention(std::vector<FakeText> texts,
                                            const std::vector<std::vector<float>>& weights) {
  for (size_t i = 0; i < texts.size(); ++i) texts[i].attention = weights[i];
  return texts;
}
inline std::vector<FakeText> uniform_texts() { return with_attention(kTexts, {{0.5F, 0.5F}, {0.5F, 0.5F}}); }

/// A spec from those members that a test case gives.
inline RunSpec spec(RunKind kind, uint64_t seed = 10, double lambda = 0, const std::string& other = "") {
  return {.kind = kind, .seed = seed, .lambda = lambda, .other = other};
}

/// The choice that makes a run the base model's twin with uniform attention.
inline const nlohmann::json kUniform = {{"attention", "uniform"}};

/// The configuration of a run on SST, with `changes` to its choices; a member `paths` of `changes` changes the paths.
/// Where `changes` name another data set, its reader has that name, too.
inline nlohmann::json fake_config(nlohmann::json changes) {
  RunConfig config{.data = {.dataset = "sst",
                            .corpus = changes.value("dataset", "sst"),
                            .options = {},
                            .checksum = "c0ffee",
                            .difficulty = {},
                            .corpus_seed = {}},
                   .spec = {.kind = RunKind::base, .seed = 10, .other = {}},
                   .embed = 300,
                   .hidden = 128,
                   .vectors_checksum = {},
                   .init_checksum = {},
                   .training = {},
                   .other_checksum = {},
                   .paths = {.data = "data/sst", .vectors = {}, .init = {}, .attention = {}},
                   .vocabulary = 13826,
                   .texts = {{3034, 3321, 9}, {397, 424, 9}, {863, 862, 9}},
                   .words_with_vectors = 11171,
                   .devices = {"cpu (avx2)"},
                   .version = {},
                   .commit = {}};
  if (changes.value("objective", "") == "adversary") config.training.objective = Objective::adversary;
  nlohmann::json json = to_json(config);
  json["paths"].update(changes.value("paths", nlohmann::json::object()));
  changes.erase("paths");
  json["choices"].update(changes);
  return json;
}

/// The texts as a split, with a model's attention and probabilities for them.
struct FakeSplit {
  Vocabulary vocabulary;
  Split split;
  std::vector<float> log_attention, probability;

  explicit FakeSplit(const std::vector<FakeText>& texts) : vocabulary(vocabulary_of(texts)) {
    for (const FakeText& text : texts) {
      const std::vector<int32_t> ids = vocabulary.encode(text.words);
      NOTNOT_CHECK(ids.size() == text.attention.size() + 2, "`{}` has {} weights", text.words, text.attention.size());
      split.token_ids.insert(split.token_ids.end(), ids.begin(), ids.end());
      split.offsets.push_back(static_cast<int64_t>(split.token_ids.size()));
      split.labels.push_back(text.label);
      split.rows.push_back(100 + split.size());
      log_attention.push_back(-std::numeric_limits<float>::infinity());
      for (const float weight : text.attention) log_attention.push_back(std::log(weight));
      log_attention.push_back(-std::numeric_limits<float>::infinity());
      probability.push_back(text.probability);
    }
  }

 private:
  static Vocabulary vocabulary_of(const std::vector<FakeText>& texts) {
    std::vector<LabelledText> labelled;
    for (const FakeText& text : texts) labelled.push_back({text.words, text.label, SplitName::train, 1});
    return Vocabulary::build(labelled, 1);
  }
};

/// Writes a finished run and returns its folder. `test` holds the measures of the test split for result.json; they need
/// not fit the texts.
inline std::filesystem::path fake_run(const TemporaryFolder& folder, const std::string& name,
                                      const nlohmann::json& changes = nlohmann::json::object(),
                                      const std::vector<FakeText>& texts = kTexts,
                                      const Classification& test = {0.8456, 0.7999, 0.86, 0.87}) {
  const FakeSplit fake(texts);
  RunWriter writer(RunFolder(folder.path(), name));
  writer.start(fake_config(changes));
  EpochMetrics epoch;
  epoch.train_seconds = 1.25;
  writer.write_metrics(std::vector<EpochMetrics>(8, epoch));
  writer.write_attention(SplitName::test, fake.split, fake.log_attention, fake.probability);
  writer.write_predictions(fake.vocabulary, fake.split, fake.log_attention, fake.probability);
  const bool adversary = changes.value("objective", "") == "adversary";
  writer.finish({.epoch = 5, .selected_on = adversary ? "train loss" : "test", .split = {{}, {}, test}});
  return folder.path() / name;
}

/// Writes a finished run of the paper's tests, in the folder that run_name gives it.
inline std::filesystem::path fake_run(const TemporaryFolder& folder, const RunSpec& spec,
                                      const std::vector<FakeText>& texts, double f1,
                                      nlohmann::json changes = nlohmann::json::object()) {
  changes.update(choices_of(spec));
  const std::string dataset = changes.value("dataset", "sst");
  return fake_run(folder, run_name(dataset, spec), changes, texts, {f1, 0.8, 0.9, 0.9});
}

/// Writes a finished perturbation run. `texts` hold the attention and the probability of each text's adversary;
/// `change` is, per text, the median change of the prediction under permuted attention.
inline std::filesystem::path fake_perturbation(const TemporaryFolder& folder, const RunSpec& spec,
                                               const std::vector<FakeText>& texts, const std::vector<float>& change,
                                               nlohmann::json changes = nlohmann::json::object()) {
  const FakeSplit fake(texts);
  changes.update(choices_of(spec));
  RunWriter writer(RunFolder(folder.path(), run_name(changes.value("dataset", "sst"), spec)));
  writer.start(fake_config(changes));
  writer.write_perturbations({.permutation_change = change,
                              .adversary_jsd = std::vector<float>(texts.size(), 0.1F),
                              .adversary_tvd = std::vector<float>(texts.size(), 0.01F),
                              .adversary_probability = fake.probability,
                              .adversary_log_attention = fake.log_attention,
                              .offsets = {fake.split.offsets.begin(), fake.split.offsets.end()},
                              .label = {fake.split.labels.begin(), fake.split.labels.end()},
                              .row = {fake.split.rows.begin(), fake.split.rows.end()}});
  writer.finish(nlohmann::json{{"permutation_change", 0.1}});
  return writer.folder().path();
}

}  // namespace notnot
