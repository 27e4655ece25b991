#include "engine/runs/attributions.h"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/io/files.h"
#include "engine/io/safetensors.h"
#include "engine/runs/run_writer.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

namespace notnot {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();

/// Two texts, of two words and of one.
Attributions two_texts() {
  return {.score_probability = {kNaN, 0.25F, -0.75F, kNaN, kNaN, 0, kNaN},
          .score_logit = {kNaN, 1, -3, kNaN, kNaN, 0, kNaN},
          .probability = {0.5F, 1},
          .logit = {0, 20},
          .integration_probability = {},
          .integration_logit = {},
          .offsets = {0, 4, 7},
          .label = {1, 0},
          .row = {17, 23}};
}

Attributions with_integrals() {
  Attributions a = two_texts();
  a.integration_probability = {.nodes = {8, 512}, .error = {0.001F, 0.5F}, .converged = {1, 0}};
  a.integration_logit = {.nodes = {16, 32}, .error = {0, 0.002F}, .converged = {1, 1}};
  return a;
}

/// Their texts.
Split split_of(const Attributions& a, bool ids = false) {
  Split split;
  split.token_ids = std::vector<int32_t>(a.score_probability.size(), kFirstWordId);
  split.offsets = a.offsets;
  split.labels = a.label;
  split.rows = a.row;
  split.groups = a.group;
  if (ids) {
    split.ids.bytes = std::vector<char>{'a', 'b'};
    split.ids.offsets = std::vector<int64_t>{0, 1, 2};
  }
  return split;
}

AttributionResult result_of(Measure measure) {
  AttributionResult result{.measure = measure, .splits = {}};
  result.splits.test = {.texts = 2, .mean_absolute_score = 0.25};
  if (measure == Measure::integrated_gradients) result.splits.test->share_not_converged = 0.5;
  return result;
}

/// Writes a finished attribution of the test split.
void write_run(const RunFolder& run, const Attributions& a, Measure measure) {
  RunWriter writer(run);
  writer.start({{"epochs", 8}});
  writer.write_attributions(SplitName::test, split_of(a), a, measure);
  writer.finish(result_of(measure));
}

bool same(const std::vector<float>& a, const std::vector<float>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](float x, float y) { return x == y || (std::isnan(x) && std::isnan(y)); });
}

/// One change to good attributions by integrated gradients, and what the complaint must say.
const std::pair<const char*, void (*)(Attributions&)> kDamages[] = {
    {"text 0 (row 17), score_probability: a boundary token has a score",
     [](Attributions& a) { a.score_probability[3] = 0; }},
    {"text 1 (row 23), score_probability: a boundary token has a score",
     [](Attributions& a) { a.score_probability[4] = 0; }},
    {"text 0 (row 17), score_logit: the score of its word 2 is nan", [](Attributions& a) { a.score_logit[2] = kNaN; }},
    {"text 1 (row 23), score_logit: the score of its word 1 is inf",
     [](Attributions& a) { a.score_logit[5] = kInfinity; }},
    {"6 values of score_logit for 7 tokens", [](Attributions& a) { a.score_logit.pop_back(); }},
    {"offsets from 0 to 7 do not span 6", [](Attributions& a) { a.score_probability.pop_back(); }},
    {"text 1 has offsets 4 and 5", [](Attributions& a) { a.offsets[2] = 5, a.score_probability.resize(5); }},
    {"its probability is 1.5", [](Attributions& a) { a.probability[1] = 1.5F; }},
    {"its label is 2", [](Attributions& a) { a.label[0] = 2; }},
    {"text 1 (row 23): its logit is nan", [](Attributions& a) { a.logit[1] = kNaN; }},
    {"1 logits of 2 texts", [](Attributions& a) { a.logit.pop_back(); }},
    {"1 groups of 2 texts", [](Attributions& a) { a.group = {3}; }},
    {"0 nodes, 0 errors and 0 marks of integration_logit for 2", [](Attributions& a) { a.integration_logit = {}; }},
    {"text 0, integration_probability: nodes 0", [](Attributions& a) { a.integration_probability.nodes[0] = 0; }},
    {"text 1, integration_logit: nodes 32, error nan", [](Attributions& a) { a.integration_logit.error[1] = kNaN; }},
    {"error -1", [](Attributions& a) { a.integration_logit.error[0] = -1; }},
    {"converged 2", [](Attributions& a) { a.integration_probability.converged[0] = 2; }}};

TEST_CASE("attributions: every measure has a name of its own") {
  for (const Measure measure : kMeasures) CHECK(measure_named(to_string(measure)) == measure);
  CHECK_FALSE(measure_named("gradients"));
}

TEST_CASE("attributions come back as they were") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "run");
  for (const Measure measure : {Measure::integrated_gradients, Measure::leave_one_out}) {
    const Attributions sample = measure == Measure::leave_one_out ? two_texts() : with_integrals();
    write_run(run, sample, measure);
    CHECK(run.attribution_path(SplitName::test).filename() == "attribution_test.safetensors");
    CHECK(run.is_attribution());
    const Attributions back = run.attributions(SplitName::test);
    CHECK(same(back.score_probability, sample.score_probability));
    CHECK(same(back.score_logit, sample.score_logit));
    CHECK(back.probability == sample.probability);
    CHECK(back.logit == sample.logit);
    CHECK(back.offsets == sample.offsets);
    CHECK(back.label == sample.label);
    CHECK(back.row == sample.row);
    CHECK(back.group.empty());
    CHECK(back.integration_probability.nodes == sample.integration_probability.nodes);
    CHECK(back.integration_probability.error == sample.integration_probability.error);
    CHECK(back.integration_probability.converged == sample.integration_probability.converged);
    CHECK(back.integration_logit.nodes == sample.integration_logit.nodes);
    const AttributionResult result = run.attribution_result();
    CHECK(result.measure == measure);
    REQUIRE(result.splits.test);
    CHECK_FALSE(result.splits.train);
    CHECK(result.splits.test->texts == 2);
    CHECK(result.splits.test->mean_absolute_score == 0.25);
    CHECK(result.splits.test->share_not_converged.has_value() == (measure == Measure::integrated_gradients));
  }
}

TEST_CASE("attributions: the tensors, which other programs read; with the ids and the groups of the texts") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "run");
  Attributions sample = with_integrals();
  sample.group = {5, 0};
  RunWriter writer(run);
  writer.write_attributions(SplitName::dev, split_of(sample, true), sample, Measure::integrated_gradients);
  std::vector<std::string> names;
  const Safetensors file = Safetensors::read(run.attribution_path(SplitName::dev));
  for (const auto& [name, entry] : file.entries()) names.push_back(name);
  CHECK(names == std::vector<std::string>{"group", "id", "id_offsets", "integration_logit/converged",
                                          "integration_logit/error", "integration_logit/nodes",
                                          "integration_probability/converged", "integration_probability/error",
                                          "integration_probability/nodes", "label", "logit", "offsets", "probability",
                                          "row", "score_logit", "score_probability"});
  writer.finish(result_of(Measure::integrated_gradients));
  CHECK(run.attributions(SplitName::dev).group == sample.group);
}

TEST_CASE("attributions that break the rules are refused, when they are read and when they are written") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "run");
  RunWriter writer(run);
  CHECK(fault(with_integrals(), Measure::integrated_gradients).empty());
  for (const auto& [expected, damage] : kDamages) {
    CAPTURE(expected);
    Attributions a = with_integrals();
    damage(a);
    CHECK_HAS(fault(a, Measure::integrated_gradients), expected);
    CHECK_THROWS_WITH_AS(writer.write_attributions(SplitName::test, split_of(a), a, Measure::integrated_gradients),
                         doctest::Contains(expected), Error);
    CHECK_FALSE(std::filesystem::exists(run.attribution_path(SplitName::test)));
  }
  const Attributions a = with_integrals();
  Split other = split_of(a);
  other.rows = std::vector<int64_t>{17, 24};
  CHECK_THROWS_WITH_AS(writer.write_attributions(SplitName::test, other, a, Measure::integrated_gradients),
                       doctest::Contains("not those of the"), Error);
  // What a file can hold that no writer wrote: integrals of a measure that has none.
  writer.write_attributions(SplitName::test, split_of(a), a, Measure::integrated_gradients);
  writer.finish(result_of(Measure::leave_one_out));
  CHECK_HAS(input_error([&] { (void)run.attributions(SplitName::test); }),
            run.attribution_path(SplitName::test).string() + ": 2 nodes, 2 errors and 2 marks");
}

TEST_CASE("attributions: only some measures have scores below 0") {
  for (const Measure measure : kMeasures) {
    const Attributions a = measure == Measure::integrated_gradients ? with_integrals() : two_texts();
    CAPTURE(to_string(measure));
    CHECK(fault(a, measure).empty() == is_signed(measure));
  }
  CHECK_HAS(fault(two_texts(), Measure::attention),
            "text 0 (row 17), score_probability: the score of its word 2 is "
            "-0.75, below 0");
}

TEST_CASE("attributions as weights: shares of the absolute scores, equal ones where all are 0") {
  Attributions a = two_texts();
  std::vector<float> shares = log_shares(a);
  REQUIRE(shares.size() == 7);
  for (const size_t boundary : {0, 3, 4, 6}) CHECK(shares[boundary] == -kInfinity);
  CHECK(shares[1] == std::log(0.25F));
  CHECK(shares[2] == std::log(0.75F));
  CHECK(shares[5] == 0);
  a.score_probability = {kNaN, 0, 0, kNaN, kNaN, -1e-30F, kNaN};
  shares = log_shares(a);
  CHECK(shares[1] == std::log(0.5F));
  CHECK(shares[2] == std::log(0.5F));
  CHECK(shares[5] == 0);
  a.score_probability = {kNaN, 1e-40F, 3e-40F, kNaN, kNaN, 1e38F, kNaN};  // below the smallest normal number
  shares = log_shares(a);
  CHECK(shares[1] == doctest::Approx(std::log(0.25)).epsilon(1e-4));
  a.score_probability = {kNaN, 0, 2, kNaN, kNaN, 1, kNaN};
  shares = log_shares(a);
  CHECK(shares[1] == -kInfinity);
  CHECK(shares[2] == 0);
}

TEST_CASE("the result.json of an attribution is refused with impossible values") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "run");
  write_run(run, with_integrals(), Measure::integrated_gradients);
  nlohmann::json good = nlohmann::json::parse(read_file(run.result_path()));
  good.erase("files");
  good.erase("checksum");
  CHECK(good == nlohmann::json::parse(R"({"measure": "integrated-gradients", "splits": {"test":
    {"texts": 2, "mean_absolute_score": 0.25, "share_not_converged": 0.5}}})"));
  const std::tuple<const char*, const char*, nlohmann::json> damages[] = {
      {"`measure` is '\"gradients\"'", "/measure", "gradients"},
      {"`measure` is '3'", "/measure", 3},
      {"`splits` has none", "/splits", nlohmann::json::object()},
      {"keys that this version", "/splits/test2", good["splits"]["test"]},
      {"keys that this version", "/splits", "test"},
      {"`texts` is missing", "/splits/test", {{"mean_absolute_score", 1}}},
      {"`texts` is 0", "/splits/test/texts", 0},
      {"`texts` is '-1'", "/splits/test/texts", -1},
      {"keys that this version", "/splits/test/texts", 1.5},
      {"`mean_absolute_score` is '-1'", "/splits/test/mean_absolute_score", -1},
      {"`share_not_converged` is '2'", "/splits/test/share_not_converged", 2},
      {"keys that this version", "/more", 1},
      {"keys that this version", "/measure", "random"}};
  for (const auto& [expected, pointer, value] : damages) {
    CAPTURE(expected);
    nlohmann::json json = good;
    json[nlohmann::json::json_pointer(pointer)] = value;
    write_atomically(run.result_path(), json.dump());
    const std::string message = input_error([&] { (void)run.attribution_result(); });
    CHECK_HAS(message, expected);
    CHECK(message.starts_with(run.result_path().string()));
  }
}

TEST_CASE("a finished attribution without one of its files is damaged, also where an editor took its checksums") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "run");
  write_run(run, two_texts(), Measure::leave_one_out);
  CHECK(run.damage(true).empty());
  CHECK(is_file_of_run(run.attribution_path(SplitName::test)));
  CHECK_HAS(input_error([&] { (void)run.attention_checksum(); }), "attribution_train.safetensors is missing");
  std::filesystem::remove(run.attribution_path(SplitName::test));
  CHECK_HAS(run.damage(false), "attribution_test.safetensors is missing");
  nlohmann::json result = nlohmann::json::parse(read_file(run.result_path()));
  result.erase("files");
  result.erase("checksum");
  write_atomically(run.result_path(), result.dump());
  CHECK_HAS(run.damage(false), "attribution_test.safetensors is missing");
}

}  // namespace
}  // namespace notnot
