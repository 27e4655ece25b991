#include "experiments/report/importance.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <map>

#include "engine/math/agreement.h"
#include "tests/support/fake_runs.h"
#include "tests/support/input_error.h"

namespace notnot {
namespace {

using Path = std::filesystem::path;

const std::vector<FakeText> kThree = {
    {"a b c", 1, 0.9F, {0.5F, 0.3F, 0.2F}}, {"d e f g", 0, 0.2F, {0.1F, 0.2F, 0.3F, 0.4F}}, {"h", 1, 0.6F, {1}}};

std::vector<std::vector<float>> reversed(const std::vector<FakeText>& texts) {
  std::vector<std::vector<float>> weights;
  for (const FakeText& text : texts) weights.emplace_back(text.attention.rbegin(), text.attention.rend());
  return weights;
}

/// A base model with this attention, and its attributions: contributions like the attention, leave-one-out the other
/// way round, and random scores that are all equal on the second text.
std::vector<Path> model_with_attributions(const TemporaryFolder& folder, uint64_t seed,
                                          const std::vector<FakeText>& texts) {
  const RunSpec base = spec(RunKind::base, seed);
  std::vector<Path> paths = {fake_run(folder, base, texts, 0.8)};
  const nlohmann::json of = {{"other_checksum", RunFolder(paths[0]).attention_checksum()}};
  const auto add = [&](Measure measure, const std::vector<FakeText>& scores) {
    paths.push_back(fake_attribution(folder, attribution_of("sst", base, measure, {SplitName::test}), scores, of));
  };
  add(Measure::contribution, texts);
  add(Measure::leave_one_out, with_attention(texts, reversed(texts)));
  add(Measure::random, with_attention(texts, {texts[0].attention, {0.25F, 0.25F, 0.25F, 0.25F}, {1}}));
  return paths;
}

TEST_CASE("importance: agreement by text is that of absolute scores, without boundary tokens") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<TextAgreement> by_text =
      agreement_by_text({0, 5, 8}, {nan, 0.5F, 0.3F, 0.2F, nan, nan, 1, nan}, {nan, -3, 1, 2, nan, nan, -1, nan});
  REQUIRE(by_text.size() == 2);
  CHECK(by_text[0].tau_b == doctest::Approx(1.0 / 3));
  const std::vector<double> x = {0.5F, 0.3F, 0.2F}, y = {3, 1, 2};
  CHECK(by_text[0].pearson == pearson_correlation(x, y));
  CHECK(by_text[0].top_k == 1);
  CHECK(by_text[0].rbo == rank_biased_overlap(Ranking(x), Ranking(y)).corrected);
  CHECK(by_text[0].p == kendall_tau(Ranking(x), Ranking(y)).p);
  CHECK(std::isnan(by_text[1].tau_b));
}

TEST_CASE("importance: each measure beside attention, and the ceiling between seeds") {
  const TemporaryFolder folder;
  std::vector<Path> paths = model_with_attributions(folder, 10, kThree);
  const std::vector<FakeText> other = with_attention(kThree, reversed(kThree));
  for (const Path& path : model_with_attributions(folder, 2, other)) paths.push_back(path);
  const LoadedStudy study = load_studies(paths).front();
  const std::vector<ImportanceRow> rows = importance_rows(study);
  REQUIRE(rows.size() == 4);
  CHECK(rows[0].measure == Measure::attention);
  CHECK(rows[1].measure == Measure::contribution);
  CHECK(rows[2].measure == Measure::leave_one_out);
  CHECK(rows[3].measure == Measure::random);
  CHECK(rows[1].seeds == std::vector<uint64_t>{10, 2});
  CHECK(rows[1].tau_b.estimate == 1);
  CHECK(rows[1].tau_b.left_out == 1);  // the text of one word
  CHECK(rows[2].tau_b.estimate == -1);
  CHECK(rows[2].pearson.estimate < 0);
  CHECK(rows[3].tau_b.left_out == 2);
  for (const ImportanceRow& row : rows) {
    REQUIRE(row.ceiling);
    CHECK(row.ceiling->estimate == -1);  // the attention of one seed is that of the other, the other way round
  }
  CHECK(rows[1].below_ceiling->estimate == -2);
  CHECK(rows[2].below_ceiling->estimate == 0);
  const ResultTable agreement = agreement_table(study, rows), ceiling = ceiling_table(study, rows);
  REQUIRE(agreement.rows.size() == 4);
  CHECK(agreement.rows[0][2] == "-");
  CHECK(agreement.rows[0][8] == "-1.000");
  CHECK(agreement.rows[2][2] == "-1.000");
  CHECK(agreement.rows[2].back() == "0.291 (0.36)");
  CHECK(agreement.rows[1].back() == "-");
  REQUIRE(ceiling.rows.size() == 3);
  CHECK(ceiling.rows[0][2] == "-2.000");
  CHECK(ceiling.rows[0].back() == "no");
  CHECK(ceiling.rows[1][2] == "0.000");
  CHECK(ceiling.rows[1].back() == "yes");
}

TEST_CASE("importance: one seed has no ceiling, and without attributions there is nothing") {
  const TemporaryFolder folder;
  const std::vector<Path> paths = model_with_attributions(folder, 10, kThree);
  const LoadedStudy study = load_studies(paths).front();
  const std::vector<ImportanceRow> rows = importance_rows(study);
  REQUIRE(rows.size() == 4);
  CHECK_FALSE(rows[1].ceiling);
  CHECK(ceiling_table(study, rows).rows.empty());
  CHECK(importance_rows(load_studies({paths[0]}).front()).empty());
}

TEST_CASE("importance: an attribution of other texts is refused") {
  const TemporaryFolder folder;
  std::vector<Path> paths = model_with_attributions(folder, 10, kThree);
  const nlohmann::json of = {{"other_checksum", RunFolder(paths[0]).attention_checksum()}};
  const Path wrong = fake_attribution(
      folder, attribution_of("sst", spec(RunKind::base), Measure::input_x_gradient, {SplitName::test}), kTexts, of);
  paths.push_back(wrong);
  CHECK_HAS(input_error([&] { (void)importance_rows(load_studies(paths).front()); }),
            wrong.string() + " has other texts than " + paths[0].string());
}

}  // namespace
}  // namespace notnot
