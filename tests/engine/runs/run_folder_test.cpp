#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "engine/io/safetensors.h"
#include "engine/io/version.h"
#include "engine/runs/run_writer.h"
#include "tests/support/input_error.h"
#include "tests/support/run_damage.h"
#include "tests/support/temporary_folder.h"

namespace notnot {
namespace {

using Json = nlohmann::json;

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

bool has(const std::string& message, const std::string& part) { return message.find(part) != std::string::npos; }

/// Two texts, "a b" and "\"", with attention 0.25, 0.75 and 1.
struct Sample {
  Vocabulary vocabulary = Vocabulary::build(
      {{"a b", 1, SplitName::train, 1}, {"\"", 0, SplitName::train, 2}, {"caf\xC3\xA9", 0, SplitName::train, 3}}, 1);
  Split texts;
  std::vector<float> log_attention = {
      kMinusInfinity, std::log(0.25F), std::log(0.75F), kMinusInfinity, kMinusInfinity, 0, kMinusInfinity};
  std::vector<float> probability = {0.1F, 1};

  Sample() {
    for (const auto& [words, label, row] : {std::tuple{"a b", 1, 17}, std::tuple{"\"", 0, 23}}) {
      const std::vector<int32_t> ids = vocabulary.encode(words);
      texts.token_ids.insert(texts.token_ids.end(), ids.begin(), ids.end());
      texts.offsets.push_back(texts.token_ids.size());
      texts.labels.push_back(label);
      texts.rows.push_back(row);
    }
  }
};

Perturbations sample_perturbations() {
  const Sample sample;
  return {.permutation_change = {0.25F, 0},
          .adversary_jsd = {0.625F, 0},
          .adversary_tvd = {0.005F, 0},
          .adversary_probability = {0.11F, 1},
          .adversary_log_attention = sample.log_attention,
          .offsets = sample.texts.offsets,
          .label = sample.texts.labels,
          .row = sample.texts.rows,
          .exact = {.epsilon = {0.01, 0.5},
                    .jsd = {0.25F, 0, 0.5F, 0},
                    .probability = {0.12F, 1, 0.5F, 0.75F},
                    .word = {1, 0, 0, 0, 0, 1, 0, 0},
                    .weight = {0.25F, 0.75F, 1, 0, 1, 0, 1, 0}}};
}

std::vector<TensorView> tensors_of(const Perturbations& p) {
  const auto f32 = [](const char* name, const std::vector<float>& values) {
    return TensorView{name, DType::f32, {static_cast<int64_t>(values.size())}, values.data()};
  };
  return {f32("permutation_change", p.permutation_change),
          f32("adversary_jsd", p.adversary_jsd),
          f32("adversary_tvd", p.adversary_tvd),
          f32("adversary_probability", p.adversary_probability),
          f32("adversary_log_attention", p.adversary_log_attention),
          {"offsets", DType::i64, {3}, p.offsets.data()},
          {"label", DType::i32, {2}, p.label.data()},
          {"row", DType::i64, {2}, p.row.data()},
          {"exact_epsilon", DType::f64, {static_cast<int64_t>(p.exact.epsilon.size())}, p.exact.epsilon.data()},
          f32("exact_jsd", p.exact.jsd),
          f32("exact_probability", p.exact.probability),
          {"exact_word", DType::i32, {static_cast<int64_t>(p.exact.word.size())}, p.exact.word.data()},
          f32("exact_weight", p.exact.weight)};
}

std::vector<EpochMetrics> sample_metrics() {
  std::vector<EpochMetrics> rows(2);
  double value = 1.0 / 3;
  for (size_t e = 0; e < rows.size(); ++e) {
    rows[e].epoch = e + 1;
    for (const SplitName s : kSplitNames) {
      rows[e].loss[s] = value *= 7;
      rows[e].split[s] = {value / 1e5, value / 1e6, value / 1e7, value / 1e8};
    }
    rows[e].train_seconds = 1.5;
    rows[e].eval_seconds = 0.25;
    rows[e].tokens_per_second = 123456;
  }
  rows[1].split.dev.roc_auc = kNaN;
  return rows;
}

TEST_CASE("the states of a run") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "seeds/3");
  CHECK(run.state() == RunState::absent);
  RunWriter writer(run);
  CHECK(run.state() == RunState::absent);
  writer.start({{"epochs", 8}});
  CHECK(run.state() == RunState::unfinished);
  const float value = 1;
  write_safetensors(run.checkpoint_path(), {{"w", DType::f32, {1}, &value}});
  CHECK(run.state() == RunState::resumable);
  writer.finish(RunResult{});
  CHECK(run.state() == RunState::finished);
}

TEST_CASE("starting again removes every file of the earlier run") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "sst");
  const Sample sample;
  RunWriter writer(run);
  writer.start({{"epochs", 8}});
  writer.write_vocabulary(sample.vocabulary);
  writer.write_metrics(sample_metrics());
  for (const SplitName split : kSplitNames) {
    writer.write_attention(split, sample.texts, sample.log_attention, sample.probability);
  }
  writer.write_predictions(sample.vocabulary, sample.texts, sample.log_attention, sample.probability);
  write_safetensors(run.checkpoint_path(), {});
  write_safetensors(run.model_path(), {});
  writer.write_perturbations(sample_perturbations());
  for (const SplitName split : kSplitNames) write_safetensors(run.attribution_path(split), {});
  writer.write_ablation({.without_evidence = {0.5F}, .without_others = {0.5F}});
  writer.write_guide_controls({.permuted_weights = {0.5F}, .equal_weights = {0.5F}});
  writer.finish(RunResult{});
  write_atomically(run.path() / "notes.txt", "the user's own");

  writer.start({{"epochs", 9}});
  CHECK(run.state() == RunState::unfinished);
  std::set<std::string> left;
  for (std::filesystem::directory_iterator entry(run.path()), end; entry != end; ++entry)
    left.insert(entry->path().filename());
  CHECK(left == std::set<std::string>{".lock", "config.json", "notes.txt"});
}

TEST_CASE("the configuration comes back with the program's version") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "sst");
  const Json choices = {{"dataset", "sst"}, {"seed", 10}, {"lambda", 1e-4}, {"model", {{"hidden", 128}}}};
  RunWriter(run).start(choices);
  const Json config = run.config();
  CHECK(config["version"] == version());
  CHECK(config["commit"] == commit());
  CHECK(config["lambda"] == 1e-4);
  CHECK(config["model"] == choices["model"]);
}

TEST_CASE("metrics.csv has the documented columns and comes back") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "sst");
  RunWriter writer(run);
  const std::vector<EpochMetrics> rows = sample_metrics();
  writer.write_metrics(rows);
  const std::string content = read_file(run.metrics_path());
  CHECK(
      content.starts_with("epoch,train_loss,train_f1,train_roc_auc,train_accuracy,train_average_precision,"
                          "dev_loss,dev_f1,dev_roc_auc,dev_accuracy,dev_average_precision,"
                          "test_loss,test_f1,test_roc_auc,test_accuracy,test_average_precision,"
                          "train_seconds,eval_seconds,tokens_per_second\n"
                          "1,2.33333333,2.33333333e-05,2.33333333e-07,2.33333333e-06,2.33333333e-08,16.3333333,"));
  CHECK(has(content, ",nan,"));

  const std::vector<EpochMetrics> back = run.metrics();
  REQUIRE(back.size() == 2);
  for (size_t e = 0; e < 2; ++e) {
    CHECK(back[e].epoch == rows[e].epoch);
    for (const SplitName s : kSplitNames) {
      CHECK(back[e].loss[s] == doctest::Approx(rows[e].loss[s]).epsilon(1e-8));
      CHECK(back[e].split[s].f1 == doctest::Approx(rows[e].split[s].f1).epsilon(1e-8));
      CHECK(back[e].split[s].accuracy == doctest::Approx(rows[e].split[s].accuracy).epsilon(1e-8));
      CHECK(back[e].split[s].average_precision == doctest::Approx(rows[e].split[s].average_precision).epsilon(1e-8));
    }
    CHECK(back[e].tokens_per_second == 123456);
  }
  CHECK(back[0].split.dev.roc_auc == doctest::Approx(rows[0].split.dev.roc_auc).epsilon(1e-8));
  CHECK(std::isnan(back[1].split.dev.roc_auc));

  writer.write_metrics(back);
  CHECK(read_file(run.metrics_path()) == content);
  writer.write_metrics(std::span(back).first(1));
  CHECK(run.metrics().size() == 1);
}

TEST_CASE("a metrics.csv that is not ours is refused with its line") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "sst");
  RunWriter writer(run);
  writer.write_metrics(sample_metrics());
  const std::string good = read_file(run.metrics_path());
  const auto complaint = [&](const std::string& content) {
    write_atomically(run.metrics_path(), content);
    return input_error([&] { run.metrics(); });
  };
  const std::string path = run.metrics_path().string();
  CHECK(complaint("").starts_with(path + ": line 1 "));
  CHECK(complaint("epoch,loss\n1,2\n").starts_with(path + ": line 1 "));
  CHECK(complaint(good.substr(0, good.size() - 8)).starts_with(path + ": line 3 "));
  CHECK(complaint(good + "\n").starts_with(path + ": line 4 "));
  CHECK(complaint(good + good).starts_with(path + ": line 4 "));
  std::string extra = good;
  extra.insert(extra.size() - 1, ",1");
  CHECK(complaint(extra).starts_with(path + ": line 3 "));
}

/// One change to good rows, and the complaint about it.
const std::pair<const char*, void (*)(std::vector<EpochMetrics>&)> kMetricsDamages[] = {
    {"line 2 has epoch 2 where epoch 1 belongs", [](auto& rows) { rows.erase(rows.begin()); }},
    {"line 3 has epoch 1 where epoch 2 belongs", [](auto& rows) { rows.insert(rows.begin(), rows[0]); }},
    {"line 2 has epoch 2 where epoch 1 belongs", [](auto& rows) { std::swap(rows[0], rows[1]); }},
    {"line 3 has epoch 3 where epoch 2 belongs", [](auto& rows) { rows[1].epoch = 3; }},
    {"line 2 has epoch 0 where epoch 1 belongs", [](auto& rows) { rows[0].epoch = 0; }},
    {"line 2 is impossible: test_f1 is 7, not from 0 to 1", [](auto& rows) { rows[0].split.test.f1 = 7; }},
    {"line 3 is impossible: dev_accuracy is -0.5", [](auto& rows) { rows[1].split.dev.accuracy = -0.5; }},
    {"line 3 is impossible: dev_f1 is nan", [](auto& rows) { rows[1].split.dev.f1 = kNaN; }},
    {"line 2 is impossible: train_average_precision is inf",
     [](auto& rows) { rows[0].split.train.average_precision = std::numeric_limits<double>::infinity(); }},
    {"line 2 has a dev_loss of nan", [](auto& rows) { rows[0].loss.dev = kNaN; }},
    {"line 3 has a time or a speed", [](auto& rows) { rows[1].train_seconds = -1; }},
    {"line 3 has a time or a speed", [](auto& rows) { rows[1].train_seconds = 1e308; }},
    {"line 3 has a time or a speed", [](auto& rows) { rows[1].eval_seconds = 1e10; }},
    {"line 3 has a time or a speed", [](auto& rows) { rows[1].tokens_per_second = kNaN; }},
};

TEST_CASE("rows of metrics.csv that cannot be are refused with their line") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "sst");
  RunWriter writer(run);
  for (const auto& each : kMetricsDamages) {
    std::vector<EpochMetrics> rows = sample_metrics();
    each.second(rows);
    writer.write_metrics(rows);
    CHECK_HAS(input_error([&] { run.metrics(); }), run.metrics_path().string() + ": " + each.first);
  }
  std::vector<EpochMetrics> rows = sample_metrics();
  rows[0].split.train = undefined_classification();  // as an adversary writes it
  rows[0].loss.train = -2;
  rows[0].tokens_per_second = std::numeric_limits<double>::infinity();  // an epoch too short for the clock
  writer.write_metrics(rows);
  CHECK(run.metrics().size() == 2);
}

TEST_CASE("result.json comes back exactly, undefined measures as null") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "sst");
  RunResult result;
  result.epoch = 5;
  result.selected_on = "dev";
  result.split.train = {0.1, 0.2, 0.3, 1.0 / 3};
  result.split.test = {0.5, 0.6, kNaN, 0.8};
  RunWriter(run).finish(result);
  const RunResult back = run.result();
  CHECK(back.epoch == 5);
  CHECK(back.selected_on == "dev");
  CHECK(back.split.train.f1 == 0.1);
  CHECK(back.split.train.accuracy == 0.2);
  CHECK(back.split.train.roc_auc == 0.3);
  CHECK(back.split.train.average_precision == 1.0 / 3);
  CHECK(std::isnan(back.split.test.roc_auc));
  CHECK(back.split.test.average_precision == 0.8);
  CHECK(Json::parse(read_file(run.result_path()))["test"]["roc_auc"].is_null());

  write_atomically(run.result_path(), R"({"epoch": 5})");
  CHECK(input_error([&] { run.result(); }).starts_with(run.result_path().string()));
  write_atomically(run.result_path(), "{");
  CHECK(input_error([&] { run.result(); }).starts_with(run.result_path().string()));
  write_atomically(run.result_path(), "[]");
  CHECK(has(input_error([&] { run.result(); }), "not a JSON object"));
}

TEST_CASE("a result.json with impossible values is refused, and the message names it and the value") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "sst");
  RunResult good{.epoch = 2, .selected_on = "dev", .split = {}};
  RunWriter(run).finish(good);
  remove_checksums(run);
  const Json json = Json::parse(read_file(run.result_path()));
  const std::pair<const char*, void (*)(Json&)> damages[] = {
      {"`epoch` is '0'", [](Json& j) { j["epoch"] = 0; }},
      {"`epoch` is '-1'", [](Json& j) { j["epoch"] = -1; }},
      {"`epoch` is '1.5'", [](Json& j) { j["epoch"] = 1.5; }},
      {"`epoch` is 'true'", [](Json& j) { j["epoch"] = true; }},
      {"`epoch` is '4294967297'", [](Json& j) { j["epoch"] = 4294967297; }},
      {"`epoch` is missing", [](Json& j) { j.erase("epoch"); }},
      {"`selected_on` is '\"luck\"'", [](Json& j) { j["selected_on"] = "luck"; }},
      {"`selected_on` is '7'", [](Json& j) { j["selected_on"] = 7; }},
      {"`f1` is '7'", [](Json& j) { j["test"]["f1"] = 7; }},
      {"`f1` is 'null'", [](Json& j) { j["test"]["f1"] = nullptr; }},
      {"`accuracy` is '\"0.5\"'", [](Json& j) { j["train"]["accuracy"] = "0.5"; }},
      {"`average_precision` is '-0.1'", [](Json& j) { j["dev"]["average_precision"] = -0.1; }},
      {"`roc_auc` is '1.2'", [](Json& j) { j["dev"]["roc_auc"] = 1.2; }},
      {"`f1` is missing", [](Json& j) { j["dev"] = 3; }},
      {"`test` is missing", [](Json& j) { j.erase("test"); }},
      {"keys that this version", [](Json& j) { j["test"]["f2"] = 0.5; }}};
  for (const auto& each : damages) {
    Json damaged = json;
    each.second(damaged);
    write_atomically(run.result_path(), damaged.dump());
    const std::string message = input_error([&] { run.result(); });
    CHECK(message.starts_with(run.result_path().string() + ": "));
    CHECK_HAS(message, each.first);
  }
}

TEST_CASE("the result.json of a perturbation comes back, and is refused with impossible values") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "sst");
  RunWriter(run).finish(PerturbationResult{.permutation_change = 0.25, .adversary_jsd = 0.625, .adversary_tvd = 0.005});
  remove_checksums(run);
  const Json json = Json::parse(read_file(run.result_path()));
  CHECK(json == Json{{"permutation_change", 0.25}, {"adversary_jsd", 0.625}, {"adversary_tvd", 0.005}});
  CHECK(run.perturbation_result().adversary_jsd == 0.625);
  CHECK(run.perturbation_result().exact_adversary.empty());
  const std::pair<const char*, void (*)(Json&)> damages[] = {
      {"`permutation_change` is '1.5', not a number from 0 to 1", [](Json& j) { j["permutation_change"] = 1.5; }},
      {"`adversary_jsd` is '0.7', not a number from 0 to 0.693", [](Json& j) { j["adversary_jsd"] = 0.7; }},
      {"`adversary_tvd` is 'null', not a number from 0 to 0.5", [](Json& j) { j["adversary_tvd"] = nullptr; }},
      {"`adversary_tvd` is missing", [](Json& j) { j.erase("adversary_tvd"); }},
      {"keys that this version", [](Json& j) { j["epoch"] = 1; }}};
  for (const auto& each : damages) {
    Json damaged = json;
    each.second(damaged);
    write_atomically(run.result_path(), damaged.dump());
    CHECK_HAS(input_error([&] { (void)run.perturbation_result(); }), each.first);
  }
}

TEST_CASE("the result.json of a perturbation has the mean of the exact adversaries for each change") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "sst");
  RunWriter(run).finish(PerturbationResult{.exact_adversary = {{0.001, 0.25}, {0.1, 0.5}}});
  remove_checksums(run);
  const Json json = Json::parse(read_file(run.result_path()));
  CHECK(json.at("exact_adversary") == Json::parse(R"([{"epsilon":0.001,"jsd":0.25},{"epsilon":0.1,"jsd":0.5}])"));
  const auto back = run.perturbation_result().exact_adversary;
  REQUIRE(back.size() == 2);
  CHECK(back[1].epsilon == 0.1);
  CHECK(back[1].jsd == 0.5);
  const std::pair<const char*, void (*)(Json&)> damages[] = {
      {"`jsd` is '0.7', not a number from 0 to 0.693", [](Json& j) { j["exact_adversary"][1]["jsd"] = 0.7; }},
      {"`epsilon` is missing", [](Json& j) { j["exact_adversary"][0].erase("epsilon"); }},
      {"`epsilon` is missing", [](Json& j) { j["exact_adversary"] = Json::array({1}); }},
      {"keys that this version", [](Json& j) { j["exact_adversary"][0]["tvd"] = 0; }},
      {"keys that this version", [](Json& j) { j["exact_adversary"] = Json::array(); }}};
  for (const auto& each : damages) {
    Json damaged = json;
    each.second(damaged);
    write_atomically(run.result_path(), damaged.dump());
    CHECK_HAS(input_error([&] { (void)run.perturbation_result(); }), each.first);
  }
}

TEST_CASE("a file that is missing or is no file is named, with what to do") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "sst");
  RunWriter writer(run);
  const std::string metrics = run.metrics_path().string();
  CHECK(input_error([&] { run.metrics(); }) ==
        fmt::format("{} is missing, and {} is no run folder (it has no config.json); give one that notnot trained",
                    metrics, run.path().string()));
  writer.start({{"epochs", 8}});
  CHECK_HAS(input_error([&] { run.metrics(); }), metrics + " is missing, and the run is not finished; start");
  writer.finish(RunResult{.epoch = 1, .selected_on = "dev", .split = {}});
  CHECK(input_error([&] { run.metrics(); }) ==
        metrics + " is missing, though the run is finished; copy it back, or remove the run folder and train again");
  CHECK_HAS(input_error([&] { run.attention(SplitName::dev); }), "attention_dev.safetensors is missing, though");
  CHECK_HAS(input_error([&] { run.attention_checksum(); }), "attention_train.safetensors is missing, though");
  CHECK_HAS(input_error([&] { run.perturbations(); }), "perturbation.safetensors is missing, though");
  CHECK_HAS(input_error([&] { run.existing(run.model_path()); }), "model.safetensors is missing, though");

  const auto complaints = [&](const std::filesystem::path& file, const std::string& what) {
    CHECK(input_error([&] { run.existing(file); }) ==
          fmt::format("{}: it is {} and not a file; remove the run folder and train again", file.string(), what));
    CHECK_HAS(input_error([&] { (void)run.metrics(); }), what);
  };
  std::filesystem::create_directories(run.metrics_path());
  complaints(run.metrics_path(), "a folder");
  std::filesystem::remove(run.metrics_path());
  REQUIRE(::mkfifo(metrics.c_str(), 0600) == 0);
  complaints(run.metrics_path(), "a pipe");
  std::filesystem::remove(run.metrics_path());
  std::filesystem::create_symlink("/dev/zero", run.metrics_path());
  complaints(run.metrics_path(), "a device");
  for (const char* name : {"config.json", "result.json", "attention_test.safetensors", "failure.json"}) {
    CAPTURE(std::string(name));
    std::filesystem::remove(run.path() / name);
    REQUIRE(::mkfifo((run.path() / name).c_str(), 0600) == 0);
  }
  for (const auto& message :
       {input_error([&] { run.config(); }), input_error([&] { run.result(); }), input_error([&] { run.failure(); }),
        input_error([&] { run.attention(SplitName::test); })}) {
    CHECK_HAS(message, ": it is a pipe and not a file; remove");
  }
}

TEST_CASE("a link that leads nowhere is told, and does not make a run absent or unfinished") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "sst");
  std::filesystem::create_directories(run.path());
  std::filesystem::create_symlink("config.json", run.config_path());
  CHECK(run.state() == RunState::unfinished);
  CHECK_HAS(input_error([&] { run.config(); }), "config.json: it is a link that leads nowhere and not a file; remove");
  std::filesystem::create_symlink("elsewhere", run.result_path());
  CHECK(run.state() == RunState::finished);
  CHECK_HAS(input_error([&] { run.result(); }), "result.json: it is a link that leads nowhere and not a file; remove");
}

TEST_CASE("attention comes back as it was") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "sst");
  const Sample sample;
  RunWriter(run).write_attention(SplitName::dev, sample.texts, sample.log_attention, sample.probability);
  CHECK(run.attention_path(SplitName::dev).filename() == "attention_dev.safetensors");
  const Attention back = run.attention(SplitName::dev);
  CHECK(back.size() == 2);
  CHECK(back.log_attention == sample.log_attention);
  CHECK(back.offsets == sample.texts.offsets);
  CHECK(back.probability == sample.probability);
  CHECK(back.label == sample.texts.labels);
  CHECK(back.row == sample.texts.rows);
}

/// One change to a good Attention, and what the complaint must say.
struct Damage {
  const char* expected;
  void (*apply)(Attention&);
};
const Damage kDamages[] = {
    {"attention sums to 0.7499", [](Attention& a) { a.log_attention[1] = kMinusInfinity; }},
    {"attention sums to nan", [](Attention& a) { a.log_attention[2] = kNaN; }},
    {"a boundary token has attention", [](Attention& a) { a.log_attention[3] = -3; }},
    {"a boundary token has attention", [](Attention& a) { a.log_attention[4] = kNaN; }},
    {"text 1 (row 23): its probability is nan", [](Attention& a) { a.probability[1] = kNaN; }},
    {"text 0 (row 17): its probability is 1.5", [](Attention& a) { a.probability[0] = 1.5F; }},
    {"its label is 2", [](Attention& a) { a.label[0] = 2; }},
    {"do not belong together", [](Attention& a) { a.row.pop_back(); }},
    {"do not belong together", [](Attention& a) { a.offsets.clear(); }},
    {"do not span", [](Attention& a) { a.offsets[2] = 8; }},
    {"do not span", [](Attention& a) { a.log_attention.pop_back(); }},
    {"text 0 has offsets", [](Attention& a) { a.offsets[1] = -1; }},
    {"text 0 has offsets", [](Attention& a) { a.offsets[1] = 1; }},
    {"text 0 has offsets", [](Attention& a) { a.offsets[1] = std::numeric_limits<int64_t>::max(); }},
    {"text 1 has offsets", [](Attention& a) { a.offsets[1] = 6; }},
    // A report looks at the first text.
    {"it has no text",
     [](Attention& a) {
       a = {{}, {0}, {}, {}, {}};
     }},
};

TEST_CASE("attention that breaks the rules is refused, when it is read and when it is written") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "sst");
  RunWriter writer(run);
  const Sample sample;
  for (const Damage& damage : kDamages) {
    CAPTURE(damage.expected);
    Attention a{sample.log_attention, sample.texts.offsets, sample.probability, sample.texts.labels, sample.texts.rows};
    damage.apply(a);
    const auto count = [](const auto& values) { return static_cast<int64_t>(values.size()); };
    write_safetensors(run.attention_path(SplitName::test),
                      {{"log_attention", DType::f32, {count(a.log_attention)}, a.log_attention.data()},
                       {"offsets", DType::i64, {count(a.offsets)}, a.offsets.data()},
                       {"probability", DType::f32, {count(a.probability)}, a.probability.data()},
                       {"label", DType::i32, {count(a.label)}, a.label.data()},
                       {"row", DType::i64, {count(a.row)}, a.row.data()}});
    const std::string message = input_error([&] { run.attention(SplitName::test); });
    CHECK_MESSAGE(has(message, damage.expected), message);
    CHECK(message.starts_with(run.attention_path(SplitName::test).string()));

    const Split texts{sample.texts.token_ids, a.offsets, a.label, a.row};
    CHECK_THROWS_AS(writer.write_attention(SplitName::dev, texts, a.log_attention, a.probability), Error);
    CHECK_THROWS_AS(writer.write_predictions(sample.vocabulary, texts, a.log_attention, a.probability), Error);
  }
  CHECK_FALSE(std::filesystem::exists(run.attention_path(SplitName::dev)));
  CHECK_FALSE(std::filesystem::exists(run.predictions_path()));
}

TEST_CASE("perturbations come back as they were") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "sst");
  const Perturbations sample = sample_perturbations();
  RunWriter(run).write_perturbations(sample);
  CHECK(run.perturbation_path().filename() == "perturbation.safetensors");
  const Perturbations back = run.perturbations();
  CHECK(back.size() == 2);
  CHECK(back.permutation_change == sample.permutation_change);
  CHECK(back.adversary_jsd == sample.adversary_jsd);
  CHECK(back.adversary_tvd == sample.adversary_tvd);
  CHECK(back.adversary_probability == sample.adversary_probability);
  CHECK(back.adversary_log_attention == sample.adversary_log_attention);
  CHECK(back.offsets == sample.offsets);
  CHECK(back.label == sample.label);
  CHECK(back.row == sample.row);
  CHECK(back.exact.epsilon == sample.exact.epsilon);
  CHECK(back.exact.jsd == sample.exact.jsd);
  CHECK(back.exact.probability == sample.exact.probability);
  CHECK(back.exact.word == sample.exact.word);
  CHECK(back.exact.weight == sample.exact.weight);
  CHECK_HAS(read_file(run.perturbation_path()), "[2,2,2]");  // the shape of exact_word
}

TEST_CASE("perturbations of an earlier version have no exact adversaries; half of them is refused") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "sst");
  const RunWriter writer(run);
  const Perturbations sample = sample_perturbations();
  std::vector<TensorView> tensors = tensors_of(sample);
  tensors.pop_back();
  write_safetensors(run.perturbation_path(), tensors);
  CHECK_HAS(input_error([&] { (void)run.perturbations(); }), "exact_weight");
  tensors.resize(8);
  write_safetensors(run.perturbation_path(), tensors);
  CHECK(run.perturbations().exact.empty());
  CHECK(run.perturbations().adversary_jsd == sample.adversary_jsd);
}

TEST_CASE("an ablation comes back as it was; most runs have none, and a wrong one is refused") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "planted");
  RunWriter writer(run);
  CHECK_FALSE(run.ablation());
  writer.write_ablation({.without_evidence = {0.25F, 1}, .without_others = {0, 0.75F}});
  const std::optional<Ablation> back = run.ablation();
  REQUIRE(back);
  CHECK(back->without_evidence == std::vector<float>{0.25F, 1});
  CHECK(back->without_others == std::vector<float>{0, 0.75F});
  const std::pair<const char*, Ablation> damages[] = {
      {"text 1: its without_evidence is 1.5", {.without_evidence = {0, 1.5F}, .without_others = {0, 0}}},
      {"text 0: its without_others is nan", {.without_evidence = {0, 0}, .without_others = {kNaN, 0}}},
      {"1 values of without_others for 2 texts", {.without_evidence = {0, 0}, .without_others = {0}}}};
  for (const auto& [expected, damaged] : damages) {
    CAPTURE(expected);
    CHECK_THROWS_WITH_AS(writer.write_ablation(damaged), doctest::Contains(expected), Error);
    const auto f32 = [](const char* name, const std::vector<float>& values) {
      return TensorView{name, DType::f32, {static_cast<int64_t>(values.size())}, values.data()};
    };
    write_safetensors(run.ablation_path(), {f32("without_evidence", damaged.without_evidence),
                                            f32("without_others", damaged.without_others)});
    const std::string message = input_error([&] { (void)run.ablation(); });
    CHECK_MESSAGE(has(message, expected), message);
    CHECK(message.starts_with(run.ablation_path().string()));
  }
}

TEST_CASE("the controls of a guide come back as they were; most runs have none, and wrong ones are refused") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "guided");
  RunWriter writer(run);
  CHECK_FALSE(run.guide_controls());
  writer.write_guide_controls({.permuted_weights = {0.25F, 1}, .equal_weights = {0, 0.75F}});
  const std::optional<GuideControls> back = run.guide_controls();
  REQUIRE(back);
  CHECK(back->permuted_weights == std::vector<float>{0.25F, 1});
  CHECK(back->equal_weights == std::vector<float>{0, 0.75F});
  const float nan = kNaN, values[] = {0.5F, nan};
  CHECK_THROWS_WITH_AS(writer.write_guide_controls({.permuted_weights = {0.5F}, .equal_weights = {nan}}),
                       doctest::Contains("text 0: its equal_weights is nan"), Error);
  write_safetensors(run.guide_controls_path(),
                    {{"permuted_weights", DType::f32, {2}, values}, {"equal_weights", DType::f32, {1}, values}});
  CHECK_HAS(input_error([&] { (void)run.guide_controls(); }),
            run.guide_controls_path().string() + ": text 1: its permuted_weights is nan");
}

/// One change to good Perturbations, and what the complaint must say. Their attention is checked as Attention is.
const std::pair<const char*, void (*)(Perturbations&)> kPerturbationDamages[] = {
    {"attention sums to 0.7499", [](Perturbations& p) { p.adversary_log_attention[1] = kMinusInfinity; }},
    {"text 0: its permutation_change is nan", [](Perturbations& p) { p.permutation_change[0] = kNaN; }},
    {"text 1: its permutation_change is -0.5", [](Perturbations& p) { p.permutation_change[1] = -0.5F; }},
    {"text 1: its adversary_jsd is 0.7, not from 0 to 0.693", [](Perturbations& p) { p.adversary_jsd[1] = 0.7F; }},
    {"text 0: its adversary_tvd is 0.6", [](Perturbations& p) { p.adversary_tvd[0] = 0.6F; }},
    {"1 values of adversary_tvd for 2 texts", [](Perturbations& p) { p.adversary_tvd.pop_back(); }},
    {"exact_epsilon 1 is 0.01, not above 0.01 and at most 1", [](Perturbations& p) { p.exact.epsilon[1] = 0.01; }},
    {"exact_epsilon 0 is 0, not above 0", [](Perturbations& p) { p.exact.epsilon[0] = 0; }},
    {"exact_epsilon 1 is nan", [](Perturbations& p) { p.exact.epsilon[1] = kNaN; }},
    {"3 exact_jsd", [](Perturbations& p) { p.exact.jsd.pop_back(); }},
    {"7 exact_word", [](Perturbations& p) { p.exact.word.pop_back(); }},
    {"text 1 has, for 0.5, exact_jsd 0.7, not from 0", [](Perturbations& p) { p.exact.jsd[3] = 0.7F; }},
    {"text 0 has, for 0.5, exact_probability nan", [](Perturbations& p) { p.exact.probability[2] = kNaN; }},
    {"text 0 has, for 0.01, exact_word 2 of 2 words", [](Perturbations& p) { p.exact.word[0] = 2; }},
    {"text 1 has, for 0.01, exact_word -1 of", [](Perturbations& p) { p.exact.word[3] = -1; }},
    {"text 0 has, for 0.01, exact_weight nan", [](Perturbations& p) { p.exact.weight[1] = kNaN; }},
    {"text 1 has, for 0.5, exact_weight with the sum 2", [](Perturbations& p) { p.exact.weight[7] = 1; }},
};

TEST_CASE("perturbations that break the rules are refused, when they are read and when they are written") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "sst");
  RunWriter writer(run);
  for (const auto& each : kPerturbationDamages) {
    const auto& expected = std::get<0>(each);
    const auto& damage = std::get<1>(each);
    CAPTURE(expected);
    Perturbations p = sample_perturbations();
    damage(p);
    CHECK_THROWS_WITH_AS(writer.write_perturbations(p), doctest::Contains(expected), Error);
    CHECK_FALSE(std::filesystem::exists(run.perturbation_path()));
    write_safetensors(run.perturbation_path(), tensors_of(p));
    const std::string message = input_error([&] { run.perturbations(); });
    CHECK_MESSAGE(has(message, expected), message);
    CHECK(message.starts_with(run.perturbation_path().string()));
    std::filesystem::remove(run.perturbation_path());
  }
}

TEST_CASE("predictions are one JSON object per text, without boundary tokens") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "sst");
  const Sample sample;
  RunWriter(run).write_predictions(sample.vocabulary, sample.texts, sample.log_attention, sample.probability);
  CHECK(read_file(run.predictions_path()) ==
        R"({"row": 17, "label": 1, "probability": 0.100000001, "tokens": ["a", "b"], "unknown": [], )"
        R"("attention": [0.249999999, 0.74999999]})"
        "\n"
        R"({"row": 23, "label": 0, "probability": 1, "tokens": ["\""], "unknown": [], "attention": [1]})"
        "\n");
}

TEST_CASE("predictions and attention files have the texts' own ids, and predictions the real words") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "own");
  Sample sample;
  sample.texts.token_ids = {kStartId, kUnknownId, sample.vocabulary.id("b"), kEndId, kStartId, kUnknownId, kEndId};
  sample.texts.outside.push_back("rare");
  sample.texts.unknown = {0, 0};
  sample.texts.ids.push_back("review/7");
  sample.texts.ids.push_back("");
  sample.texts.groups = {5, 0};
  RunWriter writer(run);
  writer.write_predictions(sample.vocabulary, sample.texts, sample.log_attention, sample.probability);
  CHECK(read_file(run.predictions_path()) ==
        R"({"row": 17, "id": "review/7", "label": 1, "probability": 0.100000001, "tokens": ["rare", "b"], )"
        R"("unknown": [0], "attention": [0.249999999, 0.74999999]})"
        "\n"
        R"({"row": 23, "id": null, "label": 0, "probability": 1, "tokens": ["rare"], "unknown": [0], "attention": [1]})"
        "\n");
  writer.write_attention(SplitName::test, sample.texts, sample.log_attention, sample.probability);
  const Safetensors file = Safetensors::read(run.attention_path(SplitName::test));
  const Column<char> bytes = file.column<char>("id");
  CHECK(std::string(bytes.begin(), bytes.end()) == "review/7");
  CHECK(file.values<int64_t>("id_offsets") == std::vector<int64_t>{0, 8, 8});
  CHECK(run.attention(SplitName::test).row == std::vector<int64_t>{17, 23});
  CHECK(run.attention(SplitName::test).group == std::vector<int64_t>{5, 0});

  writer.write_attention(SplitName::dev, Sample().texts, sample.log_attention, sample.probability);
  CHECK_FALSE(Safetensors::read(run.attention_path(SplitName::dev)).contains("id"));
  CHECK(run.attention(SplitName::dev).group.empty());

  sample.texts.unknown = {};
  CHECK_THROWS_AS(writer.write_predictions(sample.vocabulary, sample.texts, sample.log_attention, sample.probability),
                  Error);
}

TEST_CASE("the vocabulary comes back") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "sst");
  const Sample sample;
  RunWriter(run).write_vocabulary(sample.vocabulary);
  CHECK(Vocabulary::load(run.vocabulary_path()).serialize() == sample.vocabulary.serialize());
}

TEST_CASE("two cannot train in one folder") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "sst");
  {
    RunWriter first(run);
    const RunWriter moved(std::move(first));
    CHECK(input_error([&] { RunWriter second(run); }) ==
          fmt::format("another process trains in {}; wait for it, or give another --runs folder", run.path().string()));
    const RunWriter elsewhere(RunFolder(folder.path(), "imdb"));
  }
  const RunWriter again(run);
}

TEST_CASE("the lock and the leftovers of a killed process do not outlive it") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "sst");
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    [&]() noexcept {  // an exception must end the child, not go on with the tests
      RunWriter writer(run);
      writer.start({{"epochs", 8}});
      writer.write_metrics(sample_metrics());
      std::ofstream(run.path() / ".notnot-1-0.tmp") << "a part";
      (void)!::write(ready[1], "x", 1);
      for (;;) writer.write_metrics(sample_metrics());
    }();
  }
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  CHECK(has(input_error([&] { RunWriter second(run); }), "another process trains"));
  ::usleep(20'000);
  ::kill(child, SIGKILL);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  ::close(ready[0]);
  ::close(ready[1]);

  const RunWriter writer(run);
  CHECK(run.state() == RunState::unfinished);
  CHECK(run.config()["epochs"] == 8);
  CHECK(run.metrics().size() == 2);
  for (std::filesystem::directory_iterator entry(run.path()), end; entry != end; ++entry) {
    CHECK(entry->path().extension() != ".tmp");
  }
}

TEST_CASE("a folder that cannot be written is an InputError before anything is trained") {
  const TemporaryFolder folder;
  write_atomically(folder / "file", "in the way");
  const std::string message = input_error([&] { RunWriter writer(RunFolder(folder / "file", "sst")); });
  CHECK(message ==
        fmt::format("cannot write to the run folder {}/sst: Not a directory; choose another folder with --runs",
                    (folder / "file").string()));
  std::filesystem::create_directory(folder / "blocked");
  std::filesystem::create_directory(folder / "blocked" / ".lock");
  CHECK(has(input_error([&] { RunWriter writer(RunFolder(folder.path(), "blocked")); }),
            ".lock: it is a folder and not a file"));
}

TEST_CASE("a name stays inside the folder of runs") {
  for (const char* name : {"", "/tmp/x", "..", "a/../../b"}) {
    CAPTURE(name);
    CHECK(has(input_error([&] { RunFolder run("runs", name); }), "is no name for a run"));
  }
  CHECK(RunFolder("runs", "a..b").path() == "runs/a..b");
}

TEST_CASE("files that are missing are named") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "sst");
  CHECK(has(input_error([&] { run.config(); }), "sst/config.json"));
  CHECK(has(input_error([&] { run.metrics(); }), "sst/metrics.csv"));
  CHECK(has(input_error([&] { run.result(); }), "sst/result.json"));
  CHECK(has(input_error([&] { run.attention(SplitName::train); }), "sst/attention_train.safetensors"));
}

}  // namespace
}  // namespace notnot
