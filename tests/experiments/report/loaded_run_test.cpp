#include "experiments/report/loaded_run.h"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <span>

#include "engine/io/files.h"
#include "tests/support/fake_runs.h"
#include "tests/support/input_error.h"
#include "tests/support/run_damage.h"

namespace notnot {
namespace {

using Path = std::filesystem::path;

TEST_CASE("a run is read as it was written") {
  const TemporaryFolder folder;
  const Path path = fake_run(
      folder, "a",
      {{"paths", {{"vectors", "vectors/wiki.vec"}}}, {"vectors_checksum", "ab"}, {"seed", 18446744073709551615U}});
  const LoadedRun run = read_runs({path}).front();
  CHECK(run.path == path);
  CHECK(run.dataset() == "sst");
  CHECK(run.spec() == RunSpec{.kind = RunKind::base, .seed = 18446744073709551615U, .lambda = 0, .other = ""});
  CHECK(run.config.paths.vectors == "vectors/wiki.vec");
  CHECK(run.config.vocabulary == 13826);
  CHECK(run.config.words_with_vectors == 11171);
  CHECK(run.config.texts.train.negative == 3034);
  CHECK(run.config.texts.dev.positive == 424);
  CHECK(run.config.texts.test.positive == 862);
  CHECK(run.config.devices == std::vector<std::string>{"cpu (avx2)"});
  CHECK(run.epochs_trained == 8);
  CHECK(run.train_seconds == 10);
  CHECK(run.result.epoch == 5);
  const Attention attention = test_attention(run);
  CHECK(attention.row == std::vector<int64_t>{101, 102});
  CHECK(attention.probability[0] == 0.9F);
  const TextWords text = read_words(run, {0}, attention.row, attention.offsets).at(0);
  CHECK(text.words == std::vector<std::string>{"good", "film"});
  CHECK(text.unknown.empty());
}

TEST_CASE("damaged predictions are refused with their line") {
  const TemporaryFolder folder;
  const Path base = fake_run(folder, "base");
  remove_checksums(RunFolder(base));
  const LoadedRun run = read_runs({base}).front();
  const Attention attention = test_attention(run);
  const std::string content = read_file(base / "predictions.jsonl");
  const std::string first = content.substr(0, content.find('\n') + 1);
  const std::map<std::string, std::string> damages = {
      {"{", "not a JSON object"},
      {"{\"row\": 102}", "tokens"},
      {R"({"row": 102, "tokens": ["a", "b"]})", "unknown"},
      {R"({"id": "102", "tokens": ["a", "b"], "unknown": []})", "row"},
      {R"({"row": 7, "tokens": ["a", "b"], "unknown": []})",
       "text 7 of 2 words, where attention_test.safetensors has text 102 of 2"},
      {R"({"row": 102, "tokens": ["a"], "unknown": []})", "text 102 of 1 words"},
      {"", "missing"}};
  for (const auto& damage : damages) {
    CAPTURE(damage.first);
    write_atomically(base / "predictions.jsonl", first + damage.first);
    const auto read = [&](const std::set<size_t>& texts) {
      return input_error([&] { read_words(run, texts, attention.row, attention.offsets); });
    };
    CHECK_HAS(read({0, 1}), "base/predictions.jsonl, line 2: ");
    CHECK_HAS(read({1}), damage.second);
  }
}

TEST_CASE("a run that has lost its config.json is not left out without a word") {
  const TemporaryFolder folder;
  (void)fake_run(folder, "a");
  const Path b = fake_run(folder, "b");
  std::filesystem::create_directories(folder / "notes");
  CHECK(read_runs({folder.path()}).size() == 2);
  std::filesystem::remove(b / "config.json");
  CHECK(
      input_error([&] { read_runs({folder.path()}); }) ==
      fmt::format("{}/config.json is missing, though result.json of a run is there; copy it back, or move that folder "
                  "elsewhere",
                  b.string()));
}

TEST_CASE("a run whose epochs do not fit its result or its configuration is refused") {
  const TemporaryFolder folder;
  const Path base = fake_run(folder, "base");
  const RunFolder run(base);
  remove_checksums(run);
  const std::vector<EpochMetrics> rows = run.metrics();
  const auto complaint = [&] { return input_error([&] { read_runs({base}); }); };
  RunWriter(run).write_metrics(std::span(rows).first(6));
  CHECK(complaint() == fmt::format("{}/metrics.csv has 6 epochs, where the run trained for 8; copy the right one back, "
                                   "or remove the run folder and train again",
                                   base.string()));
  RunWriter(run).write_metrics(rows);
  RunWriter(run).finish(RunResult{.epoch = 9, .selected_on = "test", .split = {}});
  CHECK(complaint() == fmt::format("{}/result.json: `epoch` is 9, where metrics.csv has 8; remove the run folder and "
                                   "train again",
                                   base.string()));
  RunWriter(run).finish(RunResult{.epoch = 8, .selected_on = "test", .split = {}});
  CHECK(read_runs({base}).front().result.epoch == 8);
}

TEST_CASE("an adversary stops `patience` epochs after its best one") {
  const TemporaryFolder folder;
  const Path path = fake_run(folder, spec(RunKind::adversary, 10, 1e-3, "sst-lstm-learned-seed10"), kTexts, 0.8,
                             {{"epochs", 80}, {"patience", 10}});
  const RunFolder run(path);
  remove_checksums(run);
  const std::vector<EpochMetrics> rows = run.metrics();
  const auto complaint = [&] { return input_error([&] { read_runs({path}); }); };
  CHECK_HAS(complaint(), "has 80 epochs, where the run trained for 15");  // the result names epoch 5
  RunWriter(run).write_metrics(std::span(rows).first(15));
  CHECK(read_runs({path}).front().epochs_trained == 15);
  RunWriter(run).write_metrics(std::span(rows).first(14));
  CHECK_HAS(complaint(), "has 14 epochs, where the run trained for 15");
}

TEST_CASE("the result of a perturbation is read strictly, too") {
  const TemporaryFolder folder;
  const Path path =
      fake_perturbation(folder, spec(RunKind::perturbation, 10, 0, "sst-lstm-learned-seed10"), kTexts, {0.1F, 0.2F});
  CHECK(read_runs({path}).front().unfinished.empty());
  write_atomically(path / "result.json", R"({"permutation_change": 0.1})");
  CHECK_HAS(input_error([&] { read_runs({path}); }), "result.json: `adversary_jsd` is missing");
}

TEST_CASE("the result of an attribution is read strictly, too") {
  const TemporaryFolder folder;
  const Path path = fake_attribution(
      folder, attribution_of("sst", spec(RunKind::base), Measure::contribution, {SplitName::test}), kTexts);
  CHECK(path.filename() == "sst-attribution-contribution-seed10");
  const LoadedRun run = read_runs({path}).front();
  CHECK(run.unfinished.empty());
  CHECK(run.attribution.measure == Measure::contribution);
  CHECK(title_of(run) == "Attribution by contribution");
  write_atomically(path / "result.json", R"({"measure": "contribution"})");
  CHECK_HAS(input_error([&] { read_runs({path}); }), "result.json: `splits` is missing");
}

TEST_CASE("a finished run without its predictions says so") {
  const TemporaryFolder folder;
  const LoadedRun run = read_runs({fake_run(folder, "base")}).front();
  const Attention attention = test_attention(run);
  std::filesystem::remove(run.path / "predictions.jsonl");
  CHECK_HAS(input_error([&] { read_words(run, {0}, attention.row, attention.offsets); }),
            "base/predictions.jsonl is missing, though the run is finished; copy it back");
}

}  // namespace
}  // namespace notnot
