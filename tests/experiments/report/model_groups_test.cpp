#include "experiments/report/model_groups.h"

#include <doctest/doctest.h>

#include <cmath>

#include "experiments/report/comparisons.h"
#include "experiments/report/measures.h"
#include "tests/experiments/report/small_study.h"

namespace notnot {
namespace {

TEST_CASE("every group has its name and the paper's F1 for it") {
  const TemporaryFolder folder;
  const nlohmann::json imdb = {{"dataset", "imdb"}};
  const std::string base = run_name("imdb", spec(RunKind::base));
  const auto adversary = [&](double lambda) { return run_name("imdb", spec(RunKind::adversary, 10, lambda, base)); };
  const std::string random = run_name(
      "imdb", attribution_of("imdb", spec(RunKind::base), Measure::random, {kSplitNames.begin(), kSplitNames.end()}));
  const std::string of_adversary =
      run_name("imdb", attribution_of("imdb", spec(RunKind::adversary, 10, 1e-3, base), Measure::leave_one_out,
                                      {kSplitNames.begin(), kSplitNames.end()}));
  for (const RunSpec& each :
       {spec(RunKind::guided_mlp, 10, 0, of_adversary), spec(RunKind::guided_mlp, 10, 0, random), spec(RunKind::base),
        spec(RunKind::uniform), spec(RunKind::trained_mlp), spec(RunKind::uniform_mlp),
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
  CHECK(guides.back().name == "Base LSTM's random order");
  CHECK(guides.back().measure == Measure::random);
  CHECK(std::isnan(guides.back().paper_f1));
  for (const Comparison& pair : compare_neighbours(study, guides)) CHECK(pair.a != guides.back().name);
  CHECK(find_group(guides, "Nothing") == nullptr);
  std::vector<std::string> names;
  for (const ModelGroup& group : model_groups(study)) names.push_back(group.name);
  CHECK(names == std::vector<std::string>{
                     "Base", "Uniform", "Uniform MLP", "Trained MLP", "MLP by Base LSTM", "MLP by " + guides[3].name,
                     "MLP by " + guides[4].name, "MLP by leave-one-out of: Adversary, λ = 0.001",
                     "MLP by Base LSTM's random order", "Adversary, λ = 0.0005", "Adversary, λ = 0.001"});
}

/// The adversary with this seed of the base model with that seed.
RunSpec adversary_of(uint64_t base_seed, uint64_t seed) {
  return spec(RunKind::adversary, seed, 1e-3, run_name("sst", spec(RunKind::base, base_seed)));
}

TEST_CASE("an MLP that an adversary side by side guides stands neither with the base model's nor with an adversary's") {
  const TemporaryFolder folder;
  const std::string base = run_name("sst", spec(RunKind::base));
  RunSpec member = spec(RunKind::side_by_side, 10, 1e-3, base);
  member.members = 3;
  member.member = 2;
  for (const RunSpec& each : {spec(RunKind::base), spec(RunKind::guided_mlp, 10, 0, base),
                              spec(RunKind::guided_mlp, 10, 0, run_name("sst", member))}) {
    fake_run(folder, each, base_texts(), 0.8);
  }
  const LoadedStudy study = only_study(folder);
  const std::vector<ModelGroup> groups = guide_groups(study);
  REQUIRE(groups.size() == 2);
  CHECK(groups[0].name == "Base LSTM");
  CHECK(groups[1].name == "Adversary 2 of 3 side by side, \u03bb = 0.001");
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
  CHECK(neighbours[0].f1.by_seed == std::vector<double>{-0.9, -0.9});
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
