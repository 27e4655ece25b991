#include "engine/runs/run_checksums.h"

#include <doctest/doctest.h>

#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "engine/io/files.h"
#include "engine/io/safetensors.h"
#include "engine/runs/run_writer.h"
#include "tests/support/input_error.h"
#include "tests/support/run_damage.h"
#include "tests/support/temporary_folder.h"

namespace notnot {
namespace {

using Json = nlohmann::json;
using Path = std::filesystem::path;

const Json kConfig = {{"choices", {{"seed", 10}}}, {"paths", {{"data", "a.csv"}}}, {"data", {{"vocabulary", 5}}}};

std::vector<EpochMetrics> one_epoch(double seconds) {
  EpochMetrics row;
  row.epoch = 1;
  row.train_seconds = seconds;
  row.split.test = {0.5, 0.5, 0.5, 0.5};
  return {row};
}

/// A finished run on one text, "a", with every file that a run can have.
struct FinishedRun {
  TemporaryFolder folder;
  RunFolder run{folder.path(), "run"};

  explicit FinishedRun(double seconds = 1) {
    const auto vocabulary = Vocabulary::build({{"a", 1, SplitName::train, 1}}, 1);
    Split texts;
    texts.token_ids = vocabulary.encode("a");
    texts.offsets = {0, 3};
    texts.labels = {1};
    texts.rows = {7};
    const float none = -std::numeric_limits<float>::infinity();
    const std::vector<float> log_attention = {none, 0, none}, probability = {0.75F};
    RunWriter writer(run);
    writer.start(kConfig);
    writer.write_vocabulary(vocabulary);
    writer.write_metrics(one_epoch(seconds));
    for (const SplitName split : kSplitNames) writer.write_attention(split, texts, log_attention, probability);
    writer.write_predictions(vocabulary, texts, log_attention, probability);
    writer.write_perturbations({{0.25F}, {0.5F}, {0.005F}, {0.7F}, log_attention, {0, 3}, {1}, {7}});
    for (const SplitName split : kSplitNames)
      write_safetensors(run.attribution_path(split), {{"w", DType::f32, {1}, probability.data()}});
    write_safetensors(run.model_path(), {{"w", DType::f32, {1}, probability.data()}});
    write_safetensors(run.checkpoint_path(), {{"w", DType::f32, {1}, probability.data()}});
    writer.finish(RunResult{.epoch = 1, .selected_on = "dev", .split = {}});
  }
};

/// Who reads each file that result.json names.
std::map<Path, std::function<void()>> readers(const RunFolder& run) {
  std::map<Path, std::function<void()>> result = {
      {run.metrics_path(), [&] { (void)run.metrics(); }},
      {run.model_path(), [&] { (void)run.intact(run.model_path()); }},
      {run.vocabulary_path(), [&] { (void)run.intact(run.vocabulary_path()); }},
      {run.predictions_path(), [&] { (void)run.intact(run.predictions_path()); }},
      {run.perturbation_path(), [&] { (void)run.perturbations(); }}};
  for (const SplitName split : kSplitNames) {
    result[run.attention_path(split)] = [&run, split] { (void)run.attention(split); };
    result[run.attribution_path(split)] = [&run, split] { (void)run.intact(run.attribution_path(split)); };
  }
  return result;
}

/// Changes a member of config.json.
void change_config(const RunFolder& run, const std::string& pointer, const Json& value) {
  Json config = Json::parse(read_file(run.config_path()));
  config[Json::json_pointer(pointer)] = value;
  write_atomically(run.config_path(), config.dump());
}

}  // namespace

TEST_CASE("result.json has the sizes and the checksums of the run's files, as sha256sum prints them") {
  const FinishedRun finished;
  const Json files = Json::parse(read_file(finished.run.result_path())).at("files");
  CHECK(files.size() == 1 + readers(finished.run).size());
  // printf '{\n  "choices": {\n    "seed": 10\n  },\n  "data": {\n    "vocabulary": 5\n  }\n}' | sha256sum
  CHECK(files["config.json"] == Json{{"sha256", "7c5b3512b574d5fafefc89d063f16c132a89cba81996677a8f0a4cb393b735de"}});
  // printf '<0>\n<UNK>\n<SOS>\n<EOS>\na\n' | sha256sum
  CHECK(read_file(finished.run.vocabulary_path()) == "<0>\n<UNK>\n<SOS>\n<EOS>\na\n");
  // cut -d, -f1-16 metrics.csv | sha256sum
  CHECK(files["metrics.csv"] == Json{{"sha256", "73cd2100edc5dbb93adb12fd376a8a81d8898f04107974a927ef9a6f09e3dd4a"}});
  CHECK(files["vocabulary.txt"] ==
        Json{{"bytes", 24}, {"sha256", "9281b344f5eb6d9670be01406616f5fbe60e532615e3a84b1a34f550c71ca5bc"}});
  for (const auto& [file, unused] : readers(finished.run)) CHECK(files.contains(file.filename().string()));
}

TEST_CASE("a flipped bit in any file of a finished run is noticed by its reader and by damage()") {
  for (const auto& [place, unused] : readers(FinishedRun().run)) {
    const FinishedRun finished;
    const RunFolder& run = finished.run;
    const Path file = run.path() / place.filename();
    CHECK(run.damage(true).empty());
    CHECK_NOTHROW(readers(run).at(file)());
    flip_a_bit(file);
    CHECK_HAS(input_error(readers(run).at(file)), file.string());
    CHECK_HAS(run.damage(true), file.string());
  }
}

TEST_CASE("values of config.json and metrics.csv that could be true are noticed, too; times may change") {
  const FinishedRun finished;
  const RunFolder& run = finished.run;
  RunWriter(run).write_metrics(one_epoch(2));
  CHECK(run.metrics()[0].train_seconds == 2);
  CHECK(run.damage(true).empty());

  std::vector<EpochMetrics> better = one_epoch(2);
  better[0].split.test.f1 = 0.75;
  RunWriter(run).write_metrics(better);
  CHECK(input_error([&] { (void)run.metrics(); }) ==
        run.metrics_path().string() +
            ": its checksum is not the one in result.json; remove the run folder and train again");
  for (const char* pointer : {"/choices/seed", "/data/vocabulary", "/paths/data", "/confidential"}) {
    const FinishedRun another;
    change_config(another.run, pointer, 11);
    CHECK(input_error([&] { (void)another.run.config(); }) ==
          another.run.config_path().string() +
              ": its checksum is not that of its content; remove the run folder and train again");
  }
}

TEST_CASE("the configuration of another run is not taken for the run's own; a mark and paths may be written anew") {
  const FinishedRun finished;
  const RunFolder& run = finished.run;
  Json config = run.config();
  config["confidential"] = true;
  config["paths"]["data"] = "elsewhere/a.csv";
  RunWriter(run).resume(config);
  CHECK(run.damage(true).empty());
  CHECK(run.config()["confidential"] == true);
  config["choices"]["seed"] = 11;
  RunWriter(run).resume(config);
  const std::string expected = run.config_path().string() +
                               ": it is not the configuration with which the run in "
                               "result.json was trained; remove the run folder";
  CHECK_HAS(input_error([&] { (void)run.config(); }), expected);
  CHECK_HAS(run.damage(true), expected);
}

TEST_CASE("another program may write whole numbers without a decimal point") {
  const FinishedRun finished;
  const RunFolder& run = finished.run;
  RunWriter(run).finish(RunResult{.epoch = 1, .selected_on = "dev", .split = {{}, {}, {1, 0.5, 0.25, 0}}});
  std::string text = read_file(run.result_path());
  for (const auto& [written, other] :
       {std::pair{"\"f1\": 1.0", "\"f1\": 1"}, {"\"average_precision\": 0.0", "\"average_precision\": 0"}}) {
    REQUIRE(text.find(written) != std::string::npos);
    for (size_t at = 0; (at = text.find(written, at)) != std::string::npos;)
      text.replace(at, std::strlen(written), other);
  }
  write_atomically(run.result_path(), text);
  CHECK(run.result().split.test.f1 == 1);
}

TEST_CASE("a run without checksums must have all its files all the same") {
  const FinishedRun finished;
  const RunFolder& run = finished.run;
  std::filesystem::remove(run.perturbation_path());
  remove_checksums(run);
  CHECK(run.damage(false).empty());
  for (const Path& file : {run.model_path(), run.vocabulary_path(), run.metrics_path(), run.predictions_path(),
                           run.attention_path(SplitName::dev)}) {
    const std::string content = read_file(file);
    std::filesystem::remove(file);
    CHECK_HAS(run.damage(false), file.string() + " is missing, though the run is finished");
    write_atomically(file, content);
  }
  CHECK(run.damage(false).empty());
}

TEST_CASE("a lost file and one of another size are noticed without reading any") {
  for (const auto& [place, unused] : readers(FinishedRun().run)) {
    const FinishedRun finished;
    const Path file = finished.run.path() / place.filename();
    CHECK(finished.run.damage(false).empty());
    std::filesystem::remove(file);
    CHECK_HAS(finished.run.damage(false), file.string() + " is missing, though the run is finished");
  }
  const FinishedRun finished;
  std::filesystem::resize_file(finished.run.model_path(), 40);
  CHECK_HAS(finished.run.damage(false), "model.safetensors: its size is not the one in result.json");
}

TEST_CASE("a result.json that was changed is refused, whatever the change") {
  const FinishedRun finished;
  const RunFolder& run = finished.run;
  const Json whole = Json::parse(read_file(run.result_path()));
  const std::pair<const char*, void (*)(Json&)> changes[] = {
      {"another F1", [](Json& j) { j["test"]["f1"] = 0.25; }},
      {"another epoch", [](Json& j) { j["epoch"] = 2; }},
      {"another checksum of a file", [](Json& j) { j["files"]["model.safetensors"]["sha256"] = "00"; }},
      {"a file less", [](Json& j) { j["files"].erase("model.safetensors"); }},
      {"no files", [](Json& j) { j.erase("files"); }},
      {"no checksum", [](Json& j) { j.erase("checksum"); }},
      {"a checksum of another type", [](Json& j) { j["checksum"] = 7; }}};
  for (const auto& each : changes) {
    CAPTURE(each.first);
    Json changed = whole;
    each.second(changed);
    write_atomically(run.result_path(), changed.dump());
    const std::string expected = run.result_path().string() + ": its checksum is not that of its content; remove the";
    CHECK_HAS(input_error([&] { (void)run.result(); }), expected);
    CHECK_HAS(input_error([&] { (void)run.attention(SplitName::test); }), expected);
    CHECK_HAS(run.damage(false), expected);
  }
  write_atomically(run.result_path(), whole.dump());  // in another form, with the same content
  CHECK(run.result().epoch == 1);
}

TEST_CASE("checkpoint and failure are not compared, nor are the files of a run without checksums") {
  const FinishedRun finished;
  const RunFolder& run = finished.run;
  std::filesystem::remove(run.checkpoint_path());
  write_atomically(run.failure_path(), R"({"reason": "none"})");
  CHECK(run.damage(true).empty());

  remove_checksums(run);
  flip_a_bit(run.model_path());
  CHECK(run.damage(true).empty());
  CHECK_NOTHROW((void)run.intact(run.model_path()));
  CHECK(run.result().epoch == 1);
}

TEST_CASE("two trainings that differ in their times only have the same result.json") {
  CHECK(read_file(FinishedRun(1).run.result_path()) == read_file(FinishedRun(2).run.result_path()));
}

}  // namespace notnot
