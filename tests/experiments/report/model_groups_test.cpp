#include "experiments/report/model_groups.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>

#include "experiments/report/measures.h"
#include "tests/experiments/report/small_study.h"

namespace notnot {
namespace {

TEST_CASE("a difference over seeds has Student's interval, of one or two the bootstrap's") {
  const TemporaryFolder folder;
  const std::array<uint64_t, 3> seeds = {10, 2, 50};
  for (size_t i = 0; i < seeds.size(); ++i) {
    fake_run(folder, spec(RunKind::base, seeds[i]), base_texts(), 0.8);
    fake_run(folder, spec(RunKind::uniform, seeds[i]), base_texts(), 0.7 - 0.1 * static_cast<double>(i));
  }
  const LoadedStudy study = only_study(folder);
  auto groups = attention_groups(study);
  const auto difference = compare(study, groups[0], groups[1]);
  REQUIRE(difference);
  CHECK(difference->seed == 10);
  CHECK(difference->by_seed.size() == 3);
  CHECK(difference->mean_difference() == doctest::Approx(0.2));
  // t(2) = 4.303, standard deviation 0.1.
  CHECK(difference->low() == doctest::Approx(0.2 - 4.303 * 0.1 / std::sqrt(3.0)));
  CHECK(difference->high() == doctest::Approx(0.2 + 4.303 * 0.1 / std::sqrt(3.0)));
  CHECK_FALSE(difference->above());
  CHECK(difference->texts.difference == 0);  // the same predictions

  groups[1].runs.pop_back();
  const auto of_two = compare(study, groups[0], groups[1]);
  CHECK(of_two->low() == of_two->texts.low);
  const ResultTable table = comparison_table(study, "x", "F1", {*difference, *of_two});
  CHECK(table.rows[0][5] == "0.200 ± 0.100");
  CHECK(table.rows[0][6] == "-0.048 to +0.448");
  CHECK(table.rows[1][6] == "-");
  groups[1].runs = {groups[0].runs[1]};
  groups[0].runs = {groups[0].runs[0]};
  CHECK_FALSE(compare(study, groups[0], groups[1]));
}

/// The 0.975 quantile of Student's t, from its density.
double student_t(int degrees) {
  const double n = degrees;
  const double factor = std::exp(std::lgamma((n + 1) / 2) - std::lgamma(n / 2)) / std::sqrt(n * std::acos(-1.0));
  const auto density = [&](double t) { return factor * std::pow(1 + t * t / n, -(n + 1) / 2); };
  double t = 0, sum = 0;
  constexpr double kStep = 1e-4;
  while (sum < 0.475) sum += kStep * density((t += kStep) - kStep / 2);
  return t;
}

TEST_CASE("the interval over seeds is Student's for every number of seeds") {
  for (const int n : {3, 4, 5, 6, 7, 8, 9, 10, 11, 16, 20, 25, 30, 31}) {
    CAPTURE(n);
    F1Comparison comparison;
    for (int i = 0; i < n; ++i) comparison.by_seed.push_back(0.01 * i);
    const double deviation = 0.01 * std::sqrt(n * (n + 1) / 12.0);  // of 0, 1, ..., n - 1, divided by n - 1
    CHECK(comparison.mean_difference() == doctest::Approx(0.005 * (n - 1)));
    // The quantiles are known to three decimals.
    const double quantile = (comparison.high() - comparison.low()) / 2 / (deviation / std::sqrt(n));
    CHECK(std::fabs(quantile - student_t(n - 1)) < 6e-4);
    CHECK((comparison.high() + comparison.low()) / 2 == doctest::Approx(0.005 * (n - 1)));
  }
  // Beyond 31 seeds the interval is a little too wide, never too narrow.
  F1Comparison many;
  for (int i = 0; i < 60; ++i) many.by_seed.push_back(0.01 * i);
  const double exact = student_t(59) * 0.01 * std::sqrt(60 * 61 / 12.0) / std::sqrt(60);
  CHECK((many.high() - many.low()) / 2 > exact);
  CHECK((many.high() - many.low()) / 2 < 1.03 * exact);
}

TEST_CASE("of one or two seeds the difference and its interval are those over the texts") {
  const F1Comparison two{"A", "B", {0.5, 0.7}, 10, {0.1, 0.02, 0.3, 0.5}};
  CHECK(two.mean_difference() == 0.1);
  CHECK(two.low() == 0.02);
  CHECK(two.high() == 0.3);
}

TEST_CASE("a comparison pairs the runs of one seed, and takes the second model from the first") {
  const TemporaryFolder folder;
  // Labels 1, 0, 0, 1. The base model predicts 1, 1, 0, 0: F1 0.5. The uniform model is right everywhere: F1 1.
  std::vector<FakeText> right = base_texts();
  for (FakeText& text : right) text.probability = text.label == 1 ? 0.9F : 0.1F;
  fake_run(folder, spec(RunKind::base), base_texts(), 0.80);
  fake_run(folder, spec(RunKind::base, 2), right, 0.81);
  fake_run(folder, spec(RunKind::base, 50), base_texts(), 0.83);
  fake_run(folder, spec(RunKind::uniform, 50), right, 0.70);
  fake_run(folder, spec(RunKind::uniform, 7), base_texts(), 0.10);
  fake_run(folder, spec(RunKind::uniform, 2), base_texts(), 0.75);
  const LoadedStudy study = only_study(folder);
  const auto groups = attention_groups(study);
  const auto difference = compare(study, groups[0], groups[1]);
  REQUIRE(difference);
  CHECK(difference->a == "Base");
  CHECK(difference->b == "Uniform");
  CHECK(difference->seed == 2);  // the first that both have
  REQUIRE(difference->by_seed.size() == 2);
  CHECK(difference->by_seed[0] == doctest::Approx(0.06));
  CHECK(difference->by_seed[1] == doctest::Approx(0.13));
  CHECK(difference->texts.difference == doctest::Approx(0.5));  // right minus base_texts
  CHECK(compare(study, groups[1], groups[0])->texts.difference == doctest::Approx(-0.5));
  const auto neighbours = compare_neighbours(study, groups);
  REQUIRE(neighbours.size() == 1);
  CHECK(neighbours[0].a == "Uniform");  // the later minus the earlier
}

TEST_CASE("every group has its name and the paper's F1 for it") {
  const TemporaryFolder folder;
  const nlohmann::json imdb = {{"dataset", "imdb"}};
  const std::string base = run_name("imdb", spec(RunKind::base));
  const auto adversary = [&](double lambda) { return run_name("imdb", spec(RunKind::adversary, 10, lambda, base)); };
  for (const RunSpec& each :
       {spec(RunKind::base), spec(RunKind::uniform), spec(RunKind::trained_mlp), spec(RunKind::uniform_mlp),
        spec(RunKind::guided_mlp, 10, 0, base), spec(RunKind::guided_mlp, 10, 0, adversary(1e-3)),
        spec(RunKind::guided_mlp, 10, 0, adversary(5e-4)), spec(RunKind::adversary, 10, 1e-3, base),
        spec(RunKind::adversary, 10, 5e-4, base)}) {
    fake_run(folder, each, base_texts(), 0.8, imdb);
  }
  const LoadedStudy study = only_study(folder);
  const auto check = [](const std::vector<ModelGroup>& groups,
                        const std::vector<std::pair<std::string, double>>& expected) {
    REQUIRE(groups.size() == expected.size());
    for (size_t i = 0; i < groups.size(); ++i) {
      CHECK(groups[i].name == expected[i].first);
      CHECK((groups[i].paper_f1 == expected[i].second || (std::isnan(groups[i].paper_f1) && expected[i].second == 0)));
    }
  };
  check(attention_groups(study), {{"Base", 0.902}, {"Uniform", 0.879}});
  CHECK(attention_groups(study)[0].jain_wallace_f1 == 0.88);
  CHECK(std::isnan(attention_groups(study)[1].jain_wallace_f1));
  const auto guides = guide_groups(study);
  check({guides.begin(), guides.begin() + 3}, {{"Uniform", 0.863}, {"Trained MLP", 0.888}, {"Base LSTM", 0.905}});
  REQUIRE(find_group(guides, "Adversary, λ = 0.001") != nullptr);
  CHECK(find_group(guides, "Adversary, λ = 0.001")->paper_f1 == 0.700);
  CHECK(std::isnan(find_group(guides, "Adversary, λ = 0.0005")->paper_f1));
  CHECK(find_group(guides, "Nothing") == nullptr);
  std::vector<std::string> names;
  for (const ModelGroup& group : model_groups(study)) names.push_back(group.name);
  CHECK(names == std::vector<std::string>{"Base", "Uniform", "Uniform MLP", "Trained MLP", "MLP by Base LSTM",
                                          "MLP by " + guides[3].name, "MLP by " + guides[4].name,
                                          "Adversary, λ = 0.0005", "Adversary, λ = 0.001"});
}

/// The adversary with this seed of the base model with that seed.
RunSpec adversary_of(uint64_t base_seed, uint64_t seed) {
  return spec(RunKind::adversary, seed, 1e-3, run_name("sst", spec(RunKind::base, base_seed)));
}

/// Base models and MLPs of the seeds 10 and 2. The MLPs are guided by adversaries with these seeds. F1 tells the MLPs
/// apart.
void fake_guided(const TemporaryFolder& folder, const std::vector<uint64_t>& adversary_seeds) {
  for (const uint64_t base : {10, 2}) {
    fake_run(folder, spec(RunKind::base, base), base_texts(), 0.8);
    fake_run(folder, spec(RunKind::guided_mlp, base, 0, run_name("sst", spec(RunKind::base, base))), base_texts(), 0.9);
    for (const uint64_t seed : adversary_seeds) {
      const RunSpec adversary = adversary_of(base, seed == 0 ? base : seed);
      fake_run(folder, adversary, base_texts(), 0.8, {{"tvd_factor", 0.5}});
      fake_run(folder, spec(RunKind::guided_mlp, base, 0, run_name("sst", adversary)), base_texts(),
               0.01 * static_cast<double>(seed));
    }
  }
}

using Names = std::vector<std::string>;

TEST_CASE("adversaries with their base models' seeds, and those with one other seed, are groups of their own") {
  const TemporaryFolder folder;
  fake_guided(folder, {50, 7, 0});  // 0: the base model's own
  const LoadedStudy study = only_study(folder);
  const auto names = [](const std::vector<ModelGroup>& groups) {
    Names result;
    for (const ModelGroup& group : groups) result.push_back(group.name + ": " + seeds_in_words(group.runs));
    return result;
  };
  const auto guides = guide_groups(study);
  CHECK(names(guides) == Names{"Base LSTM: 10 and 2", "Adversary, λ = 0.001: 10 and 2",
                               "Adversary, λ = 0.001, seed 7: 10 and 2", "Adversary, λ = 0.001, seed 50: 10 and 2"});
  const auto all = model_groups(study);
  CHECK(names({all.end() - 3, all.end()}) == Names{"Adversary, λ = 0.001: 10 and 2",
                                                   "Adversary, λ = 0.001, seed 7: 7 and 7",
                                                   "Adversary, λ = 0.001, seed 50: 50 and 50"});
  CHECK(study.other_of(*all.back().runs[0])->spec().seed == 10);  // the base seed's first
  CHECK(study.other_of(*all.back().runs[1])->spec().seed == 2);
  for (size_t i = 1; i < guides.size(); ++i) CHECK(guides[i].paper_f1 == 0.592);

  CHECK(default_adversary(guides, 1e-3) == &guides[1]);
  CHECK(default_adversary(guides, 2e-3) == nullptr);
  const auto neighbours = compare_neighbours(study, guides);
  REQUIRE(neighbours.size() == 1);
  CHECK(neighbours[0].a == "Adversary, λ = 0.001");
  CHECK(neighbours[0].by_seed == std::vector<double>{-0.9, -0.9});
}

TEST_CASE("without adversaries with their base models' seeds, those with the smallest seed stand for them") {
  const TemporaryFolder folder;
  fake_guided(folder, {50, 7});
  const LoadedStudy study = only_study(folder);
  const auto guides = guide_groups(study);
  REQUIRE(default_adversary(guides, 1e-3) != nullptr);
  CHECK(default_adversary(guides, 1e-3)->name == "Adversary, λ = 0.001, seed 7");
  const auto neighbours = compare_neighbours(study, guides);
  REQUIRE(neighbours.size() == 1);
  CHECK(neighbours[0].a == "Adversary, λ = 0.001, seed 7");
  CHECK(neighbours[0].b == "Base LSTM");
}

}  // namespace
}  // namespace notnot
