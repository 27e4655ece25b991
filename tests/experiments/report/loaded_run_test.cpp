#include "experiments/report/loaded_run.h"

#include <doctest/doctest.h>

#include <map>
#include <set>

#include "engine/io/files.h"
#include "tests/support/fake_runs.h"
#include "tests/support/input_error.h"

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
  const LoadedRun run = read_runs({base}).front();
  const Attention attention = test_attention(run);
  const std::string content = read_file(base / "predictions.jsonl");
  const std::string first = content.substr(0, content.find('\n') + 1);
  const std::map<std::string, std::string> damages = {
      {"{", "parse error"},
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

}  // namespace
}  // namespace notnot
