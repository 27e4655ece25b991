// What a run folder counts as when its writer stops half-way: never as a finished run with files of two runs. A step
// that fails leaves the folder as a crash before that step would.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/io/files.h"
#include "engine/io/safetensors.h"
#include "engine/runs/run_writer.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

namespace notnot {
namespace {

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// One text of two words.
Split one_text() {
  Split split;
  split.token_ids = {2, 4, 5, 3};
  split.offsets = {0, 4};
  split.labels = {1};
  split.rows = {1};
  return split;
}

/// Its attention, the second word having the rest.
std::vector<float> attention_of(float first) {
  return {kMinusInfinity, std::log(first), std::log(1 - first), kMinusInfinity};
}

Perturbations some_perturbations() {
  return {.permutation_change = {0.5F},
          .adversary_jsd = {0.25F},
          .adversary_tvd = {0.125F},
          .adversary_probability = {0.75F},
          .adversary_log_attention = attention_of(0.5F),
          .offsets = {0, 4},
          .label = {1},
          .row = {1}};
}

Attributions some_attributions() {
  return {.score_probability = {kNaN, 0.5F, 0, kNaN},
          .score_logit = {kNaN, 2, 0, kNaN},
          .probability = {0.75F},
          .logit = {1},
          .integration_probability = {},
          .integration_logit = {},
          .offsets = {0, 4},
          .label = {1},
          .row = {1}};
}

/// A finished run that has every file a run can have.
void finish_run(RunWriter& writer) {
  const Vocabulary vocabulary = Vocabulary::build({{"a b", 1, SplitName::train, 1}}, 1);
  writer.start({{"epochs", 8}});
  writer.write_vocabulary(vocabulary);
  writer.write_metrics(std::vector<EpochMetrics>(1));
  const std::vector<float> log_attention = attention_of(0.5F), probability = {0.5F};
  for (const SplitName split : kSplitNames) writer.write_attention(split, one_text(), log_attention, probability);
  writer.write_predictions(vocabulary, one_text(), log_attention, probability);
  write_safetensors(writer.folder().checkpoint_path(), {});
  write_safetensors(writer.folder().model_path(), {});
  writer.write_perturbations(some_perturbations());
  for (const SplitName split : kSplitNames) {
    writer.write_attributions(split, one_text(), some_attributions(), Measure::random);
  }
  writer.write_ablation({.without_evidence = {0.5F}, .without_others = {0.5F}});
  writer.write_guide_controls({.permuted_weights = {0.5F}, .equal_weights = {0.5F}});
  writer.finish(RunResult{});
}

/// Every file of a run but its configuration.
std::vector<std::filesystem::path> outputs(const RunFolder& run) {
  std::vector<std::filesystem::path> paths = {
      run.result_path(),       run.metrics_path(),    run.checkpoint_path(),
      run.model_path(),        run.vocabulary_path(), run.predictions_path(),
      run.perturbation_path(), run.ablation_path(),   run.guide_controls_path()};
  for (const SplitName split : kSplitNames) {
    paths.push_back(run.attention_path(split));
    paths.push_back(run.attribution_path(split));
  }
  return paths;
}

/// Puts a folder that is not empty in the place of the file: it can neither be removed nor replaced.
void block(const std::filesystem::path& file) {
  std::filesystem::remove(file);
  std::filesystem::create_directories(file / "in the way");
}

}  // namespace

TEST_CASE("a run that starts again is the whole earlier one, or has just begun, wherever it stops") {
  const TemporaryFolder folder;
  const size_t files = outputs(RunFolder(folder.path(), "any")).size();
  for (size_t i = 0; i < files; ++i) {
    const RunFolder run(folder.path(), fmt::format("run{}", i));
    RunWriter writer(run);
    finish_run(writer);
    REQUIRE(run.state() == RunState::finished);
    const std::filesystem::path stuck = outputs(run)[i];
    CAPTURE(stuck);
    REQUIRE(std::filesystem::exists(stuck));  // every file that a run can have
    block(stuck);
    CHECK_HAS(input_error([&] { writer.start({{"epochs", 9}}); }), stuck.string());
    CHECK(run.config()["epochs"] == 8);
    CHECK(run.left_without_config().empty());
    const bool whole = stuck == run.checkpoint_path() || stuck == run.result_path();
    CHECK(run.state() == (whole ? RunState::finished : RunState::unfinished));
    if (!whole) continue;
    for (const auto& file : outputs(run)) {
      if (file != run.checkpoint_path()) CHECK(std::filesystem::exists(file));
    }
  }
}

TEST_CASE("a run whose configuration cannot be replaced keeps every file") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "run");
  RunWriter writer(run);
  finish_run(writer);
  block(run.config_path());
  CHECK_HAS(input_error([&] { writer.start({{"epochs", 9}}); }), run.config_path().string());
  for (const auto& file : outputs(run)) CHECK(std::filesystem::exists(file));
}

TEST_CASE("only result.json makes a run finished, and what a checkpoint is for ends with it") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "run");
  RunWriter writer(run);
  finish_run(writer);
  std::filesystem::remove(run.result_path());
  CHECK(run.state() == RunState::resumable);
  writer.remove_checkpoint();
  CHECK_FALSE(std::filesystem::exists(run.checkpoint_path()));
  CHECK(run.state() == RunState::unfinished);
  for (const auto& file : outputs(run)) {
    const bool gone = file == run.result_path() || file == run.checkpoint_path();
    CHECK(std::filesystem::exists(file) != gone);
  }
  writer.finish(RunResult{});
  CHECK(run.state() == RunState::finished);
  std::filesystem::remove(run.config_path());
  CHECK(run.state() == RunState::absent);
}

TEST_CASE("a run that has lost its configuration is told from one that never had any") {
  const TemporaryFolder folder;
  const size_t files = outputs(RunFolder(folder.path(), "any")).size();
  for (size_t i = 0; i < files; ++i) {
    const RunFolder run(folder.path(), fmt::format("run{}", i));
    CHECK(run.left_without_config().empty());
    const RunWriter writer(run);
    write_atomically(run.failure_path(), "{}");
    CHECK(run.left_without_config().empty());
    write_atomically(outputs(run)[i], "");
    CHECK(run.left_without_config() == outputs(run)[i]);
    write_atomically(run.config_path(), "{}");
    CHECK(run.left_without_config().empty());
  }
}

TEST_CASE("a failure is noted beside what the run has so far, and goes when a writer comes back") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "run");
  {
    RunWriter writer(run);
    writer.start({{"epochs", 8}});
    write_safetensors(run.checkpoint_path(), {});
    CHECK_FALSE(run.failure());
    writer.fail("the disk is full", {{"epochs", 9}});
    CHECK(run.failure() == "the disk is full");
    CHECK(run.state() == RunState::resumable);  // the checkpoint is not lost
    CHECK(run.config()["epochs"] == 8);
  }
  RunWriter again(run);
  CHECK_FALSE(run.failure());
  CHECK(run.state() == RunState::resumable);
  const RunFolder other(folder.path(), "other");
  RunWriter(other).fail("no memory", {{"epochs", 9}});  // before it started
  CHECK(other.failure() == "no memory");
  CHECK(other.state() == RunState::unfinished);
  CHECK(other.config()["epochs"] == 9);
}

TEST_CASE("the checksum of a run's attention is over all three splits, each in its place") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "run");
  RunWriter writer(run);
  const auto write = [&](SplitName split, float first) {
    writer.write_attention(split, one_text(), attention_of(first), std::vector<float>{0.5F});
  };
  for (const SplitName split : kSplitNames) write(split, 0.5F);
  const std::string before = run.attention_checksum();
  CHECK(before.size() == 64);
  for (const SplitName split : kSplitNames) {
    CAPTURE(to_string(split));
    write(split, 0.25F);
    CHECK(run.attention_checksum() != before);
    write(split, 0.5F);
    CHECK(run.attention_checksum() == before);
    std::filesystem::remove(run.attention_path(split));
    CHECK_HAS(input_error([&] { run.attention_checksum(); }), run.attention_path(split).string());
    write(split, 0.5F);
  }
  write(SplitName::train, 0.25F);
  const std::string moved_train = run.attention_checksum();
  write(SplitName::train, 0.5F);
  write(SplitName::test, 0.25F);
  CHECK(run.attention_checksum() != moved_train);
}

TEST_CASE("attention may be off by rounding, not by more, and a probability is one") {
  const TemporaryFolder folder;
  RunWriter writer(RunFolder(folder.path(), "run"));
  const auto complaint = [&](float first, float second, float probability) -> std::string {
    try {
      writer.write_attention(SplitName::test, one_text(),
                             std::vector<float>{kMinusInfinity, std::log(first), std::log(second), kMinusInfinity},
                             std::vector<float>{probability});
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  // A sum of float weights over thousands of words is off by some 1e-6.
  CHECK(complaint(0.5F, 0.50001F, 0.5F).empty());
  CHECK_FALSE(complaint(0.5F, 0.505F, 0.5F).empty());
  CHECK_FALSE(complaint(0.495F, 0.5F, 0.5F).empty());
  CHECK(complaint(0.5F, 0.5F, 0).empty());
  CHECK(complaint(0.5F, 0.5F, 1).empty());
  CHECK_FALSE(complaint(0.5F, 0.5F, -0.001F).empty());
  CHECK_FALSE(complaint(0.5F, 0.5F, 1.001F).empty());
  Perturbations p = some_perturbations();
  writer.write_perturbations(p);
  p.permutation_change[0] = 1.001F;
  CHECK_THROWS_AS(writer.write_perturbations(p), Error);
}

TEST_CASE("two models are compared on the same texts only: rows, labels and lengths") {
  const auto texts = [](std::vector<int64_t> offsets, std::vector<int32_t> label, std::vector<int64_t> row) {
    Attention a{.log_attention = {},
                .offsets = std::move(offsets),
                .probability = {0.5F, 0.5F},
                .label = std::move(label),
                .row = std::move(row)};
    for (int n = 0; n < 7; ++n) a.log_attention.push_back(kMinusInfinity);
    for (size_t i = 0; i < 2; ++i) a.log_attention[a.offsets[i] + 1] = 0;
    return a;
  };
  const Attention a = texts({0, 4, 7}, {0, 1}, {1, 2});
  CHECK(divergences(a, a, 0.5).mean_jsd() == 0);
  CHECK_THROWS_AS(divergences(a, texts({0, 3, 7}, {0, 1}, {1, 2}), 0.5), InputError);
  CHECK_THROWS_AS(divergences(a, texts({0, 4, 7}, {0, 0}, {1, 2}), 0.5), InputError);
  CHECK_THROWS_AS(divergences(a, texts({0, 4, 7}, {0, 1}, {2, 1}), 0.5), InputError);
}

TEST_CASE("each text's divergences are of its own attention and probability") {
  // The first text's weights are the same in both models, the second's lie on different words.
  const Attention a{.log_attention = {kMinusInfinity, 0, kMinusInfinity, kMinusInfinity, kMinusInfinity, 0,
                                      kMinusInfinity, kMinusInfinity},
                    .offsets = {0, 3, 8},
                    .probability = {0.25F, 0.5F},
                    .label = {0, 1},
                    .row = {1, 2}};
  Attention b = a;
  std::swap(b.log_attention[5], b.log_attention[6]);
  b.probability = {0.75F, 0.25F};
  const Divergences result = divergences(a, b, 0.5);
  CHECK(result.jsd == std::vector<double>{0, std::log(2.0)});
  CHECK(result.tvd == std::vector<double>{0.25, 0.125});
}

}  // namespace notnot
