#include <doctest/doctest.h>

#include <array>

#include "experiments/report/guides.h"
#include "experiments/report/limits.h"
#include "experiments/report/model_groups.h"
#include "experiments/report/report_folder.h"
#include "tests/experiments/report/small_study.h"
#include "tests/support/input_error.h"

namespace notnot {
namespace {

using Row = std::vector<std::string>;

TEST_CASE("Table 3: the guides in the paper's order") {
  const TemporaryFolder folder;
  const RunSpec adversary = spec(RunKind::adversary, 10, 1e-3, kBaseName);
  fake_run(folder, spec(RunKind::guided_mlp, 10, 0, run_name("sst", adversary)), base_texts(), 0.5);
  fake_run(folder, spec(RunKind::guided_mlp, 10, 0, kBaseName), base_texts(), 0.8);
  fake_run(folder, spec(RunKind::guided_mlp, 10, 0, "my <weights>"), base_texts(), 0.6,
           {{"paths", {{"attention", "x.jsonl"}}}});
  fake_run(folder, spec(RunKind::trained_mlp), base_texts(), 0.7);
  fake_run(folder, spec(RunKind::uniform_mlp), base_texts(), 0.65);
  const LoadedStudy study = only_study(folder);
  std::vector<std::string> names;
  for (const ModelGroup& group : guide_groups(study)) names.push_back(group.name);
  CHECK(names == Row{"Uniform", "Trained MLP", "Base LSTM", "Adversary, λ = 0.001", "my <weights> (from elsewhere)"});
  const ResultTable table = guide_table(study);
  CHECK(table.rows[3] == Row{"Adversary, λ = 0.001", "10", "0.500", "0.592", "-0.092", "0.900", "0.800"});
  CHECK(table.rows[2][3] == "0.824");
  CHECK(table.rows[4][3] == "-");
}

TEST_CASE("Table 3 has the paper's columns only where the paper has the numbers") {
  const auto table = [](const std::string& dataset) {
    const TemporaryFolder folder;
    fake_run(folder, spec(RunKind::uniform_mlp), base_texts(), 0.8, {{"dataset", dataset}});
    return guide_table(only_study(folder));
  };
  CHECK(table("imdb").header == Row{"Guide", "Seed", "F1", "Paper's F1", "Difference", "ROC-AUC", "Accuracy"});
  CHECK(table("imdb").rows[0] == Row{"Uniform", "10", "0.800", "0.863", "-0.063", "0.900", "0.800"});
  CHECK(table("agnews").header == Row{"Guide", "Seed", "F1", "ROC-AUC", "Accuracy"});  // in Table 2 alone
  CHECK(table("own").header == Row{"Guide", "Seed", "F1", "ROC-AUC", "Accuracy"});
}

TEST_CASE("each guide is compared with the one above it") {
  const TemporaryFolder folder, out;
  fake_run(folder, spec(RunKind::uniform_mlp), base_texts(), 0.6);
  fake_run(folder, spec(RunKind::trained_mlp), base_texts(), 0.7);
  fake_run(folder, spec(RunKind::guided_mlp, 10, 0, kBaseName), base_texts(), 0.8);
  ReportFolder report(out / "report", false);
  const std::string html = guides_part().section(only_study(folder), Exhibits(report)).html;
  const size_t first = html.find("Trained MLP - Uniform"), second = html.find("Base LSTM - Trained MLP");
  CHECK(first != std::string::npos);
  CHECK(second != std::string::npos);
  CHECK(first < second);
}

using F1OfSeeds = std::array<double, 3>;
constexpr std::array<uint64_t, 3> kThreeSeeds = {10, 2, 50};

/// The runs of three seeds that Table 3 needs. Their predictions are the same.
struct FakeGuides {
  std::string dataset = "sst";
  F1OfSeeds uniform_lstm = {0.70, 0.70, 0.70}, uniform = {0.50, 0.52, 0.51}, trained = {0.60, 0.63, 0.60},
            base = {0.68, 0.69, 0.70}, adversary = {0.45, 0.45, 0.45};
  float first_weight = 0;  ///< the adversaries' attention on the first word, to which the base models give all
  double lambda = 1e-3;

  void write(const TemporaryFolder& folder) const {
    const nlohmann::json data = {{"dataset", dataset}};
    const std::vector<float> weights(4, first_weight);
    for (size_t i = 0; i < kThreeSeeds.size(); ++i) {
      const uint64_t seed = kThreeSeeds.at(i);
      const std::string base_name = run_name(dataset, spec(RunKind::base, seed));
      const RunSpec adversarial = spec(RunKind::adversary, seed, lambda, base_name);
      fake_run(folder, spec(RunKind::base, seed), base_texts(), 0.8, data);
      fake_run(folder, spec(RunKind::uniform, seed), base_texts(), uniform_lstm.at(i), data);
      fake_run(folder, adversarial, moved(0, weights), 0.8, {{"dataset", dataset}, {"tvd_factor", 0.5}});
      fake_run(folder, spec(RunKind::uniform_mlp, seed), base_texts(), uniform.at(i), data);
      fake_run(folder, spec(RunKind::trained_mlp, seed), base_texts(), trained.at(i), data);
      fake_run(folder, spec(RunKind::guided_mlp, seed, 0, base_name), base_texts(), base.at(i), data);
      fake_run(folder, spec(RunKind::guided_mlp, seed, 0, run_name(dataset, adversarial)), base_texts(),
               adversary.at(i), data);
    }
  }
  Finding finding(const char* title) const {
    const TemporaryFolder folder;
    write(folder);
    return judged_finding(folder, title);
  }
};

TEST_CASE("a guided MLP that could be chance has no leakage; the mean is over the runs that have one") {
  const TemporaryFolder folder;
  for (const uint64_t seed : {10, 2, 50}) {
    const RunSpec base = spec(RunKind::base, seed);
    fake_run(folder, base, base_texts(), 0.8);
    fake_run(folder, spec(RunKind::uniform_mlp, seed), base_texts(), 0.6);
    fake_run(folder, spec(RunKind::guided_mlp, seed, 0, run_name("sst", base)), base_texts(), 0.7);
  }
  LoadedStudy study = only_study(folder);
  const std::vector<double> leakage = {0.2, kNoNumber, 0.4};
  size_t guided = 0;
  for (LoadedRun& run : study.runs) {
    if (run.spec().kind == RunKind::uniform_mlp) run.guide_scores = GuideScores{0.5, 0.5, kNoNumber};
    if (run.spec().kind == RunKind::guided_mlp) run.guide_scores = GuideScores{0.6, 0.7, leakage.at(guided++)};
  }
  const ResultTable table = guide_controls_table(study);
  REQUIRE(table.rows.size() == 2);
  CHECK(table.rows[0] == Row{"Uniform", "3", "0.900 ± 0.000", "0.500 ± 0.000", "0.500 ± 0.000", "-"});
  CHECK(table.rows[1] ==
        Row{"Base LSTM", "3", "0.900 ± 0.000", "0.600 ± 0.000", "0.700 ± 0.000", "0.300 ± 0.141 (n = 2)"});
}

TEST_CASE("a guide from elsewhere is compared with uniform weights, too") {
  const TemporaryFolder folder;
  const RunSpec base = spec(RunKind::base);
  fake_run(folder, base, base_texts(), 0.8);
  fake_run(folder, spec(RunKind::uniform_mlp), base_texts(), 0.6);
  fake_run(folder, spec(RunKind::guided_mlp, 10, 0, run_name("sst", base)), base_texts(), 0.7);
  fake_run(folder, spec(RunKind::guided_mlp, 10, 0, "external-own"), base_texts(), 0.65);
  const TemporaryFolder out;
  ReportFolder report(out / "report", false);
  const std::string html = guides_part().section(only_study(folder), Exhibits(report)).html;
  CHECK_HAS(html, "external-own (from elsewhere) - Base LSTM");
  CHECK_HAS(html, "external-own (from elsewhere) - Uniform");
}

// The numbers of these tests are far from any doubt: Holm's correction over some twenty tests leaves them certain.

TEST_CASE("attention guides: uniform, trained, base, in this order") {
  const Finding order =
      FakeGuides{.uniform = {0.500, 0.501, 0.502}, .trained = {0.60, 0.60, 0.60}, .base = {0.7, 0.7, 0.7}}.finding(
          "Attention guides");
  CHECK(order.verdict == Verdict::agrees);
  CHECK_HAS(order.reason, "n = 3: Trained MLP minus Uniform MLP +0.099 (95% interval +0.097 to +0.101; ");
  CHECK_HAS(order.reason, "; MLP by Base LSTM minus Trained MLP +0.100 (");
  CHECK(FakeGuides{.trained = {0.70, 0.70, 0.70}, .base = {0.6, 0.6, 0.6}}.finding("Attention guides").verdict ==
        Verdict::disagrees);
  CHECK(FakeGuides{.dataset = "own"}.finding("Attention guides").verdict == Verdict::no_claim);
  const Finding news = FakeGuides{.dataset = "agnews"}.finding("Attention guides");
  CHECK(news.verdict == Verdict::no_claim);
  CHECK_HAS(news.claim, "The paper leaves this data set out of this test");
}

TEST_CASE("the MLP guided by the base model against the uniform LSTM") {
  const char* title = "Attention counts more than context";
  const Finding above = FakeGuides{.uniform_lstm = {0.6, 0.6, 0.6}, .base = {0.7, 0.7, 0.7}}.finding(title);
  CHECK(above.verdict == Verdict::agrees);
  CHECK_HAS(above.reason, "n = 3: MLP by Base LSTM minus Uniform +0.100 (");
  CHECK(FakeGuides{.uniform_lstm = {0.8, 0.8, 0.8}, .base = {0.7, 0.7, 0.7}}.finding(title).verdict ==
        Verdict::disagrees);
}

TEST_CASE("the adversary as a guide: the pattern of the data set's own column of Table 3") {
  const char* title = "Adversarial attention as a guide";
  const auto verdict = [&](const char* dataset, double uniform, double trained, double base, double adversary) {
    const auto same = [](double value) { return F1OfSeeds{value, value, value}; };
    return FakeGuides{.dataset = dataset,
                      .uniform = same(uniform),
                      .trained = same(trained),
                      .base = same(base),
                      .adversary = same(adversary)}
        .finding(title)
        .verdict;
  };
  // The paper's own numbers agree with the paper.
  CHECK(verdict("diabetes", 0.404, 0.699, 0.753, 0.503) == Verdict::agrees);
  CHECK(verdict("anemia", 0.873, 0.920, 0.931, 0.932) == Verdict::agrees);
  CHECK(verdict("sst", 0.812, 0.817, 0.824, 0.592) == Verdict::agrees);
  CHECK(verdict("imdb", 0.863, 0.888, 0.905, 0.700) == Verdict::agrees);
  // Other columns' patterns do not.
  CHECK(verdict("diabetes", 0.812, 0.817, 0.824, 0.592) == Verdict::disagrees);
  CHECK(verdict("anemia", 0.863, 0.888, 0.905, 0.700) == Verdict::disagrees);
  CHECK(verdict("sst", 0.404, 0.699, 0.753, 0.503) == Verdict::disagrees);
  CHECK(FakeGuides{.dataset = "anemia"}.finding(title).claim ==
        "On this data set the attention of the adversary with λ = 0.001 is, as a guide, better than uniform weights, "
        "better than weights that the MLP learns itself and as good as the base LSTM's attention (Table 3; within 0.01 "
        "counts as equal).");
}

TEST_CASE("an adversary that has not moved shows nothing as a guide") {
  const char* title = "Adversarial attention as a guide";
  const Finding near = FakeGuides{.first_weight = 0.5}.finding(title);  // JSD 0.216
  CHECK(near.verdict == Verdict::cannot_be_told);
  CHECK(near.why == "the adversary has not moved (JSD 0.216, where 0.400 is needed: 0.4, and the seeds' 0.000)");
  CHECK_HAS(near.reason, "Uniform MLP minus MLP by Adversary, λ = 0.001 +0.060 (");
  // As far as the paper's, but no farther than the base models of other seeds.
  const TemporaryFolder folder;
  FakeGuides{.uniform = {0.8, 0.8, 0.8}, .trained = {0.8, 0.8, 0.8}, .base = {0.8, 0.8, 0.8}}.write(folder);
  CHECK(judged_finding(folder, title).verdict == Verdict::agrees);
  for (const uint64_t seed : {2, 50}) fake_run(folder, spec(RunKind::base, seed), moved(0, {0, 0, 0, 0}), 0.8);
  CHECK_HAS(judged_finding(folder, title).why, "the adversary has not moved (JSD ");
  // The box of limits has the same measure.
  const std::vector<LoadedStudy> studies = load_studies({folder.path()});
  CHECK_HAS(fmt::format("{}", fmt::join(limits(studies.front(), {}), "\n")),
            "where 0.693 is needed: that its attention");
  // Only the paper's lambda counts.
  CHECK_HAS(FakeGuides{.lambda = 2e-3}.finding(title).why, "`notnot guides`");
}

}  // namespace
}  // namespace notnot
