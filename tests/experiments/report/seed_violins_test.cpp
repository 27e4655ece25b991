#include <doctest/doctest.h>

#include <array>

#include "experiments/report/by_class.h"
#include "experiments/report/seeds.h"
#include "tests/experiments/report/small_study.h"
#include "tests/support/input_error.h"

namespace notnot {
namespace {

using Row = std::vector<std::string>;

TEST_CASE("Figure 3: the median over the other seeds, by text") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8);
  CHECK_FALSE(seed_violins(only_study(folder), Figure3::released));
  fake_run(folder, spec(RunKind::base, 2), moved(0, {0, 0, 1, 1}), 0.8);
  fake_run(folder, spec(RunKind::base, 50), moved(0, {0, 1, 1, 1}), 0.8);
  fake_run(folder, spec(RunKind::base, 257), moved(0, {1, 1, 0, 1}), 0.8);
  const auto figure = seed_violins(only_study(folder), Figure3::released);
  REQUIRE(figure);
  CHECK(figure->divergence == std::vector<double>{kFar, 0, 0, 0});
  CHECK(figure->largest_attention == std::vector<double>{1, 1, 1, 1});
  CHECK(figure->predicted == std::vector<int32_t>{1, 1, 0, 0});
  CHECK(figure->classes == std::array<std::string, 2>{"negative", "positive"});
  // As the paper's caption has it: the largest, by label. The seeds move text 0 in two of three, the others in one.
  const auto captioned = seed_violins(only_study(folder), Figure3::captioned);
  REQUIRE(captioned);
  CHECK(captioned->divergence == std::vector<double>{kFar, kFar, kFar, 0});
  CHECK(captioned->predicted == std::vector<int32_t>{1, 0, 0, 1});
  CHECK(captioned->of_class == "labelled");
  const ResultTable table = seed_table(only_study(folder));
  CHECK(table.rows[0] == Row{"2", "0.347", "0.347", "0.000", "0.693"});
  CHECK(table.rows.back()[0] == "Each text's median over the seeds");
}

/// The base model and one of seed 2 whose attention moves in texts 0 (predicted positive) and 3 (negative).
void fake_pair(const TemporaryFolder& folder) {
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8);
  fake_run(folder, spec(RunKind::base, 2), moved(0, {0, 1, 1, 0.5F}), 0.8);
}

TEST_CASE("a row by class: the mean, the median, and the mean for each predicted class") {
  const TemporaryFolder folder;
  fake_pair(folder);
  const LoadedStudy study = only_study(folder);
  CHECK(row_by_class(study, "x", {0.1, 0.2, 0.4, 0.8}) == Row{"x", "0.375", "0.300", "0.600", "0.150"});
  CHECK(mean_over_texts(study, {0.1, 0.2, 0.4, 0.8}) == doctest::Approx(0.375));
  CHECK(mean_over_texts(study, {0.1, 0.2, 0.4, 0.8}, 0) == doctest::Approx(0.6));
  CHECK(mean_over_texts(study, {0.1, 0.2, 0.4, 0.8}, 1) == doctest::Approx(0.15));
  const ResultTable table = seed_table(study);
  CHECK(table.header == Row{"Seed", "Mean", "Median", "Mean, predicted negative", "Mean, predicted positive"});
  // ln 2, 0, 0 and 0.2158 of (1, 0) from (0.5, 0.5). Of a single other seed there is no median row.
  CHECK(table.rows == std::vector<Row>{{"2", "0.227", "0.108", "0.108", "0.347"}});
  CHECK(table.caption ==
        "JSD of the other seeds' base models from the base seed's on Stanford Sentiment Treebank (SST)");
}

TEST_CASE("the median row is the median over the seeds, text by text") {
  const TemporaryFolder folder;
  fake_pair(folder);
  fake_run(folder, spec(RunKind::base, 50), moved(0, {0, 1, 1, 1}), 0.8);
  // Of two seeds the median is the mean: ln 2, 0, 0 and half of 0.2158.
  CHECK(seed_table(only_study(folder)).rows.back() ==
        Row{"Each text's median over the seeds", "0.200", "0.054", "0.054", "0.347"});
  fake_run(folder, spec(RunKind::base, 7), moved(0, {1, 1, 0.5F, 1}), 0.8);
  const ResultTable table = seed_table(only_study(folder));
  REQUIRE(table.rows.size() == 4);
  CHECK(table.rows[0][0] == "2");
  CHECK(table.rows[1][0] == "7");
  CHECK(table.rows[2][0] == "50");
  // Text 0: ln 2 twice of three; the others move under one seed of three.
  CHECK(table.rows[3] == Row{"Each text's median over the seeds", "0.173", "0.000", "0.000", "0.347"});
}

TEST_CASE("violins by class have the reference's classes and weights, and stay in their range") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::base), moved(0, {0.75F, 0.4F, 1, 0.5F}), 0.8);
  const ViolinFigure figure = violins_by_class(only_study(folder), "A value", 0.5, {0.1, 0.7, -0.1, 0.5});
  CHECK(figure.x_label == "A value");
  CHECK(figure.low == 0);
  CHECK(figure.high == 0.5);
  CHECK(figure.divergence == std::vector<double>{0.1, 0.5, 0, 0.5});
  CHECK(figure.predicted == std::vector<int32_t>{1, 1, 0, 0});
  const std::vector<double> largest = {0.75, 0.6, 1, 0.5};
  for (size_t i = 0; i < 4; ++i) CHECK(figure.largest_attention[i] == doctest::Approx(largest[i]));
}

/// The base model, which predicts 1, 1, 0, 0; three others, whose attention on the first words is `seeds`; and the
/// per-instance adversary with `per_instance`.
Finding finding_on_seeds(const std::string& dataset, const std::vector<float>& seeds,
                         const std::vector<float>& per_instance, const char* title) {
  const TemporaryFolder folder;
  const nlohmann::json data = {{"dataset", dataset}};
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8, data);
  for (const uint64_t seed : {2, 50, 7}) fake_run(folder, spec(RunKind::base, seed), moved(0, seeds), 0.8, data);
  fake_perturbation(folder, spec(RunKind::perturbation, 10, 0, run_name(dataset, spec(RunKind::base))),
                    moved(0, per_instance), {0, 0, 0, 0}, data);
  return judged_finding(folder, title);
}

TEST_CASE("seeds against the per-instance adversary, by predicted class") {
  const char* title = "Attention is robust to the seed";
  // JSD of (0.5, 0.5) and of (0, 1) from (1, 0): 0.216 and ln 2.
  const Finding robust = finding_on_seeds("sst", {0.5F, 0.5F, 1, 1}, {0, 0, 0.5F, 0.5F}, title);
  CHECK(robust.verdict == Verdict::agrees);
  CHECK_HAS(robust.reason,
            "JSD of the per-instance adversary minus that of the seeds, texts predicted negative +0.216 (95% interval");
  CHECK_HAS(robust.reason, "texts predicted positive +0.477 (");  // ln 2 - 0.216
  CHECK(finding_on_seeds("sst", {0.5F, 0.5F, 1, 1}, {0, 0, 1, 1}, title).verdict == Verdict::cannot_be_told);
  CHECK(finding_on_seeds("sst", {0.5F, 0.5F, 0, 0}, {0, 0, 1, 1}, title).verdict == Verdict::disagrees);
  CHECK(finding_on_seeds("imdb", {0.5F, 0.5F, 1, 1}, {0, 0, 0.5F, 0.5F}, title).verdict == Verdict::no_claim);
}

TEST_CASE("seeds move the attention of Diabetes' negative class farther") {
  const char* title = "The seed moves one class";
  const std::vector<float> any(4, 1);
  const Finding negative = finding_on_seeds("diabetes", {1, 1, 0, 0}, any, title);
  CHECK(negative.verdict == Verdict::agrees);
  CHECK_HAS(negative.reason, "JSD of the texts predicted absent minus that of those predicted present +0.693 (");
  CHECK(finding_on_seeds("diabetes", {0, 0, 1, 1}, any, title).verdict == Verdict::disagrees);
  CHECK(finding_on_seeds("sst", {0, 0, 1, 1}, any, title).verdict == Verdict::no_claim);
}

}  // namespace
TEST_CASE("all pairs of base models: each from all others, with their epochs") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8);
  fake_run(folder, spec(RunKind::base, 2), moved(0, {0, 0, 1, 1}), 0.8);
  CHECK(seed_pairs_table(only_study(folder)).rows.empty());  // one pair, which seed_table has
  fake_run(folder, spec(RunKind::base, 50), moved(0, {0, 1, 1, 1}), 0.8);
  // In units of ln 2 and four texts: 10 and 2 differ in two texts, 10 and 50 in one, 2 and 50 in one.
  CHECK(seed_pairs_table(only_study(folder)).rows == std::vector<Row>{{"10", "5", "0.260", "0.173", "0.347"},
                                                                      {"2", "5", "0.260", "0.173", "0.347"},
                                                                      {"50", "5", "0.173", "0.173", "0.173"}});
}

}  // namespace notnot
