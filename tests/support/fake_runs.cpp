#include "tests/support/fake_runs.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/base/error.h"

namespace notnot {
namespace {

Vocabulary vocabulary_of(const std::vector<FakeText>& texts) {
  std::vector<LabelledText> labelled;
  for (const FakeText& text : texts) labelled.push_back({text.words, text.label, SplitName::train, 1});
  return Vocabulary::build(labelled, 1);
}

}  // namespace

FakeSplit::FakeSplit(const std::vector<FakeText>& texts) : vocabulary(vocabulary_of(texts)) {
  const bool has_groups = std::any_of(texts.begin(), texts.end(), [](const FakeText& text) { return text.group != 0; });
  for (const FakeText& text : texts) {
    const std::vector<int32_t> ids = vocabulary.encode(text.words);
    NOTNOT_CHECK(ids.size() == text.attention.size() + 2, "`{}` has {} weights", text.words, text.attention.size());
    split.token_ids.insert(split.token_ids.end(), ids.begin(), ids.end());
    split.offsets.push_back(static_cast<int64_t>(split.token_ids.size()));
    split.labels.push_back(text.label);
    split.rows.push_back(100 + split.size());
    if (has_groups) split.groups.push_back(text.group);
    log_attention.push_back(-std::numeric_limits<float>::infinity());
    for (const float weight : text.attention) log_attention.push_back(std::log(weight));
    log_attention.push_back(-std::numeric_limits<float>::infinity());
    probability.push_back(text.probability);
  }
}

std::vector<FakeText> with_attention(std::vector<FakeText> texts, const std::vector<std::vector<float>>& weights) {
  for (size_t i = 0; i < texts.size(); ++i) texts[i].attention = weights[i];
  return texts;
}
std::vector<FakeText> uniform_texts() { return with_attention(kTexts, {{0.5F, 0.5F}, {0.5F, 0.5F}}); }

RunSpec spec(RunKind kind, uint64_t seed, double lambda, const std::string& other) {
  return {.kind = kind, .seed = seed, .lambda = lambda, .other = other};
}

nlohmann::json fake_config(nlohmann::json changes) {
  RunConfig config{.data = {.dataset = "sst",
                            .corpus = changes.value("dataset", "sst"),
                            .options = {},
                            .checksum = "c0ffee",
                            .planted = {}},
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

std::filesystem::path fake_run(const TemporaryFolder& folder, const std::string& name, const nlohmann::json& changes,
                               const std::vector<FakeText>& texts, const Classification& test) {
  const FakeSplit fake(texts);
  RunWriter writer(RunFolder(folder.path(), name));
  const nlohmann::json config = fake_config(changes);
  writer.start(config);
  std::vector<EpochMetrics> epochs(config["choices"]["epochs"].get<size_t>());
  for (size_t i = 0; i < epochs.size(); ++i) {
    epochs[i].epoch = static_cast<int32_t>(i) + 1;
    epochs[i].train_seconds = 1.25;
  }
  writer.write_metrics(epochs);
  for (const SplitName split : kSplitNames) {
    writer.write_attention(split, fake.split, fake.log_attention, fake.probability);
  }
  writer.write_predictions(fake.vocabulary, fake.split, fake.log_attention, fake.probability);
  const bool adversary = changes.value("objective", "") == "adversary";
  writer.finish(RunResult{.epoch = std::min(5, epochs.back().epoch),
                          .selected_on = adversary ? "train loss" : "test",
                          .split = {{}, test, test}});
  return folder.path() / name;
}

std::filesystem::path fake_run(const TemporaryFolder& folder, const RunSpec& spec, const std::vector<FakeText>& texts,
                               double f1, nlohmann::json changes) {
  changes.update(choices_of(spec));
  const std::string dataset = changes.value("dataset", "sst");
  return fake_run(folder, run_name(dataset, spec), changes, texts, {f1, 0.8, 0.9, 0.9});
}

std::filesystem::path fake_perturbation(const TemporaryFolder& folder, const RunSpec& spec,
                                        const std::vector<FakeText>& texts, const std::vector<float>& change,
                                        nlohmann::json changes, const ExactAdversaries& exact) {
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
                              .row = {fake.split.rows.begin(), fake.split.rows.end()},
                              .exact = exact});
  writer.finish(PerturbationResult{.permutation_change = 0.1, .adversary_jsd = 0.1, .adversary_tvd = 0.01});
  return writer.folder().path();
}

std::filesystem::path fake_attribution(const TemporaryFolder& folder, const RunSpec& spec,
                                       const std::vector<FakeText>& texts, nlohmann::json changes) {
  const FakeSplit fake(texts);
  changes.update(choices_of(spec));
  RunWriter writer(RunFolder(folder.path(), run_name(changes.value("dataset", "sst"), spec)));
  writer.start(fake_config(changes));
  std::vector<float> scores;
  for (const float weight : fake.log_attention) scores.push_back(std::exp(weight));
  for (const int64_t offset : fake.split.offsets) {
    for (const int64_t boundary : {offset - 1, offset}) {
      if (boundary >= 0 && boundary < static_cast<int64_t>(scores.size())) scores[boundary] = NAN;
    }
  }
  const Attributions attributions{.score_probability = scores,
                                  .score_logit = scores,
                                  .probability = fake.probability,
                                  .logit = std::vector<float>(texts.size(), 1),
                                  .integration_probability = {},
                                  .integration_logit = {},
                                  .offsets = {fake.split.offsets.begin(), fake.split.offsets.end()},
                                  .label = {fake.split.labels.begin(), fake.split.labels.end()},
                                  .row = {fake.split.rows.begin(), fake.split.rows.end()}};
  writer.write_attributions(SplitName::test, fake.split, attributions, spec.measure);
  AttributionResult result{.measure = spec.measure, .splits = {}};
  result.splits.test = {.texts = attributions.size(), .mean_absolute_score = 0.5};
  writer.finish(result);
  return writer.folder().path();
}

}  // namespace notnot
