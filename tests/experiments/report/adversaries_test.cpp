#include "experiments/report/adversaries.h"

#include <doctest/doctest.h>

#include <tuple>

#include "experiments/report/page.h"
#include "tests/experiments/report/small_study.h"
#include "tests/support/input_error.h"

namespace notnot {
namespace {

using Row = std::vector<std::string>;

/// The base model and adversaries of it. Each entry of `grid` is the lambda of an adversary, its F1, and the number of
/// texts in which it looks at the second word.
void fake_grid(const TemporaryFolder& folder, const std::vector<std::tuple<double, double, int>>& grid) {
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8);
  for (const auto& [lambda, f1, far] : grid) {
    std::vector<float> first(4, 1);
    std::fill_n(first.begin(), far, 0.0F);
    fake_run(folder, spec(RunKind::adversary, 10, lambda, kBaseName), moved(0.04F, first), f1, {{"tvd_factor", 0.5}});
  }
}

TEST_CASE("Table 4: the best F1 beyond a JSD of 0.4, and the whole grid by lambda") {
  const TemporaryFolder folder;
  fake_grid(folder, {{1e-3, 0.79, 4}, {5e-4, 0.795, 3}, {1e-4, 0.81, 1}});
  const LoadedStudy study = only_study(folder);
  REQUIRE(lambda_grid(study).size() == 3);
  CHECK(lambda_grid(study)[0]->spec().lambda == 1e-4);
  CHECK(best_adversary(study)->spec().lambda == 5e-4);  // 3/4 ln 2 = 0.520; 1e-4 is not far enough
  CHECK(most_distant_adversary(study)->spec().lambda == 1e-3);
  CHECK(shown_adversary(study) == best_adversary(study));
  const ResultTable table = best_adversary_table(study);
  CHECK(table.rows[0] == Row{"Adversary", "0.0005", "0.795", "0.020", "0.520"});
  CHECK(table.rows[1] == Row{"Base", "-", "0.800", "0.000", "0.000"});
  CHECK(table.rows[2] == Row{"The paper's adversary", "0.000525", "0.823", "0.036", "0.514"});
  CHECK(lambda_table(study).rows[0] == Row{"0.0001", "0.810", "0.020", "0.173", "0.900", "5 of 8"});

  const Finding finding = findings(study)[3];
  CHECK(finding.verdict == Verdict::agrees);
  CHECK_HAS(finding.reason, "JSD 0.520, F1 minus its base model's -0.005 (n = 1)");
}

TEST_CASE("the grid was extended only where none of the default lambdas goes far enough") {
  const auto extended = [](const std::vector<std::tuple<double, double, int>>& grid) {
    const TemporaryFolder folder;
    fake_grid(folder, grid);
    return grid_was_extended(only_study(folder));
  };
  CHECK(extended({{2e-3, 0.8, 1}, {4e-3, 0.79, 2}, {8e-3, 0.78, 4}}));
  CHECK_FALSE(extended({{2e-3, 0.8, 4}, {8e-3, 0.78, 4}}));  // larger ones were asked for
  CHECK_FALSE(extended({{1e-3, 0.8, 1}, {2e-3, 0.79, 4}}));
  CHECK_FALSE(extended({}));
}

TEST_CASE("no adversary goes far enough") {
  const TemporaryFolder folder;
  fake_grid(folder, {{2e-4, 0.79, 1}, {1e-4, 0.81, 2}});
  const LoadedStudy study = only_study(folder);
  CHECK(best_adversary(study) == nullptr);
  CHECK(shown_adversary(study)->spec().lambda == 1e-4);
  CHECK(best_adversary_table(study).rows[0] == Row{"Largest JSD; none passes", "0.0001", "0.810", "0.020", "0.347"});
  CHECK(findings(study)[3].verdict == Verdict::cannot_be_told);
  CHECK_HAS(findings(study)[3].reason, "The grid ends at λ = 0.0002");
  fake_grid(folder, {{1e-3, 0.79, 2}});
  CHECK(findings(only_study(folder))[3].verdict == Verdict::disagrees);
}

TEST_CASE("repeats are measured from the base model that they attack, other seeds from the reference") {
  const TemporaryFolder folder;
  fake_grid(folder, {{1e-3, 0.79, 4}, {5e-4, 0.70, 4}});
  // The other base model looks where the first's adversary looks; its own adversary looks halfway.
  fake_run(folder, spec(RunKind::base, 2), moved(0, {0, 0, 0, 0}), 0.9);
  fake_run(folder, spec(RunKind::adversary, 2, 1e-3, "sst-lstm-learned-seed2"), moved(0, {0.5F, 0.5F, 0.5F, 0.5F}),
           0.85);
  fake_run(folder, spec(RunKind::adversary, 50, 1e-3, kBaseName), moved(0, {1, 1, 1, 1}), 0.78);
  const LoadedStudy study = only_study(folder);
  const auto repeats = repeats_of(study, *best_adversary(study));
  REQUIRE(repeats.size() == 2);
  CHECK(repeats[0]->from_attacked.mean_jsd() == doctest::Approx(kFar));
  CHECK(repeats[1]->from_attacked.mean_jsd() == doctest::Approx(kHalfway));
  CHECK(best_adversary_table(study).rows[1][0] == "Mean over 2 base models");
  CHECK(best_adversary_table(study).rows[1][2] == "0.820 ± 0.042");
  const ResultTable seeds = adversary_seed_table(study);
  CHECK(seeds.rows == std::vector<Row>{{"0.001", "10 (its base model's)", "0.790", "0.020", "0.693"},
                                       {"0.001", "50", "0.780", "0.000", "0.000"}});
}

TEST_CASE("Figure 5: adversaries by lambda, seeds, uniform and the per-instance adversary, also by class") {
  const TemporaryFolder folder;
  fake_grid(folder, {{1e-3, 0.79, 3}, {1e-4, 0.81, 1}});
  fake_run(folder, spec(RunKind::base, 2), moved(0.1F, {1, 1, 1, 0}), 0.8);
  fake_run(folder, spec(RunKind::uniform), moved(0, {0.5F, 0.5F, 0.5F, 0.5F}), 0.8);
  fake_perturbation(folder, spec(RunKind::perturbation, 10, 0, kBaseName), moved(0.02F, {0, 0, 0, 1}),
                    {0.4F, 0.2F, 0.1F, 0});
  const LoadedStudy study = only_study(folder);
  const auto figure = frontier(study);
  REQUIRE(figure);
  REQUIRE(figure->adversaries.size() == 2);
  CHECK(figure->adversaries[0].label == "0.0001");
  CHECK(figure->adversaries[1].x == doctest::Approx(0.75 * kFar));
  CHECK(figure->adversaries[1].y == doctest::Approx(0.02));
  CHECK(figure->seeds.size() == 1);
  CHECK(figure->uniform.front().x == doctest::Approx(kHalfway));
  CHECK(figure->per_instance.front().y == doctest::Approx(0.01));
  CHECK(frontier(study, 0)->adversaries[1].x == doctest::Approx(0.5 * kFar));
  CHECK(frontier(study, 1)->adversaries[1].x == doctest::Approx(kFar));
}

}  // namespace
}  // namespace notnot
