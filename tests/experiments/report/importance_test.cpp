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
  CHECK(ceiling.rows[1][2] == "0.000");
  for (const auto& row : ceiling.rows) {  // two seeds decide nothing
    for (const size_t column : {5, 6, 7}) CHECK(row[column] == "-");
  }
  CHECK_HAS(ceiling.note, "with fewer than three seeds they say nothing about other seeds");
  const ResultTable rivals = rival_table(study, rival_rows(study));
  REQUIRE(rivals.rows.size() == 2);
  CHECK(rivals.rows[0][0] == "Contribution");
  CHECK(rivals.rows[0][2] == "-1.000");
  CHECK(rivals.rows[1][0] == "Random order");
  const AgreementFigure figure = agreement_figure(rows);
  REQUIRE(figure.rows.size() == 4);
  CHECK(figure.ceiling.value == -1);
  CHECK(std::isnan(figure.rows[0].agreement.value));
  CHECK(figure.rows[0].label == "Attention");
  CHECK(figure.rows[2].agreement.value == -1);
  CHECK(figure.rows[2].ceiling.value == -1);
}

TEST_CASE("importance: the ceiling is over all pairs of seeds, and three seeds decide") {
  const TemporaryFolder folder;
  std::vector<Path> paths;
  for (const uint64_t seed : {10, 2, 3}) {
    const auto texts = seed == 3 ? with_attention(kThree, reversed(kThree)) : kThree;
    for (const Path& path : model_with_attributions(folder, seed, texts)) paths.push_back(path);
  }
  const LoadedStudy study = load_studies(paths).front();
  const std::vector<ImportanceRow> rows = importance_rows(study);
  // Of three pairs one agrees and two are the other way round, on both texts with more than one word.
  CHECK(rows[0].ceiling->estimate == doctest::Approx(-1.0 / 3));
  CHECK(rows[0].ceiling->left_out == 1);
  CHECK(rows[1].below_ceiling->estimate == doctest::Approx(-4.0 / 3));
  CHECK(rows[2].below_ceiling->estimate == doctest::Approx(2.0 / 3));
  // Pairs weigh times_s times_t: 2 seeds that agree and nothing else give 1, seeds 10, 10, 3 give -1, all three -1/3.
  for (const double value : rows[0].ceiling->replicates) {
    CHECK((std::fabs(std::fabs(value) - 1) < 1e-12 || std::fabs(value + 1.0 / 3) < 1e-12));
  }
  // Seeds and texts are drawn once for both terms: contribution is attention itself, so that the difference is the
  // replicate's ceiling minus 1.
  for (size_t r = 0; r < rows[0].ceiling->replicates.size(); ++r) {
    CHECK(std::fabs(rows[1].below_ceiling->replicates[r] - (rows[0].ceiling->replicates[r] - 1)) < 1e-12);
  }
  const ResultTable ceiling = ceiling_table(study, rows);
  REQUIRE(ceiling.rows.size() == 3);
  CHECK(ceiling.rows[0][6] == "0.0015");  // no replicate of tau-b is another one: 1 / 2001, times three
  CHECK(ceiling.rows[0].back() == "no");
  CHECK(ceiling.rows[1].back() == "no");
}

TEST_CASE("importance: texts of one group are drawn together") {
  std::vector<FakeText> alone, twice;
  for (int i = 0; i < 12; ++i) {
    const float first = i % 3 == 0 ? 0.5F : 0.2F;
    FakeText text{"a b c", i % 2, 0.1F + 0.05F * static_cast<float>(i), {first, 0.3F, 0.7F - first}};
    text.group = i + 1;
    alone.push_back(text);
    for (int copy = 0; copy < 2; ++copy) twice.push_back(text);
  }
  const auto interval_of = [](const std::vector<FakeText>& texts, bool has_groups) {
    const TemporaryFolder folder;
    std::vector<FakeText> used = texts;
    for (FakeText& text : used) text.group = has_groups ? text.group : 0;
    const RunSpec base = spec(RunKind::base, 10);
    std::vector<Path> paths = {fake_run(folder, base, used, 0.8)};
    const nlohmann::json of = {{"other_checksum", RunFolder(paths[0]).attention_checksum()}};
    const std::vector<std::vector<float>> scores(used.size(), {0.5F, 0.3F, 0.2F});
    paths.push_back(fake_attribution(folder, attribution_of("sst", base, Measure::contribution, {SplitName::test}),
                                     with_attention(used, scores), of));
    return importance_rows(load_studies(paths).front())[1].tau_b.interval(0.95);
  };
  const Interval of_half = interval_of(alone, true), of_twins = interval_of(twice, true),
                 independent = interval_of(twice, false);
  CHECK(of_twins.low == doctest::Approx(of_half.low));
  CHECK(of_twins.high == doctest::Approx(of_half.high));
  CHECK(independent.high - independent.low < 0.9 * (of_twins.high - of_twins.low));
}

TEST_CASE("importance: one seed has no ceiling, and without attributions there is nothing") {
  const TemporaryFolder folder;
  const std::vector<Path> paths = model_with_attributions(folder, 10, kThree);
  const LoadedStudy study = load_studies(paths).front();
  const std::vector<ImportanceRow> rows = importance_rows(study);
  REQUIRE(rows.size() == 4);
  CHECK_FALSE(rows[1].ceiling);
  CHECK(ceiling_table(study, rows).rows.empty());
  CHECK(agreement_figure(rows).rows.size() == 3);  // without a ceiling attention has nothing to show
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
