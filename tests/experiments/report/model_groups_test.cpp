#include "experiments/report/model_groups.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include "engine/io/files.h"
#include "experiments/report/adversaries.h"
#include "experiments/report/data.h"
#include "experiments/report/guides.h"
#include "experiments/report/measures.h"
#include "experiments/report/page.h"
#include "experiments/report/perturbation.h"
#include "experiments/report/runs.h"
#include "experiments/report/seeds.h"
#include "experiments/report/uniform.h"
#include "tests/support/fake_runs.h"
#include "tests/support/input_error.h"

namespace notnot {
namespace {

using Path = std::filesystem::path;
using Row = std::vector<std::string>;

// JSD of (1, 0) from (0, 1), and of either from (0.5, 0.5): worked by hand.
constexpr double kFar = std::numbers::ln2;
const double kHalfway = 0.75 * std::log(4.0 / 3);

const std::string kBaseName = "sst-lstm-learned-seed10";

/// Four texts, the first two predicted positive. The base model looks at the first word.
std::vector<FakeText> base_texts() {
  return {{"a b", 1, 0.9F, {1, 0}}, {"c d", 0, 0.8F, {1, 0}}, {"e f", 0, 0.3F, {1, 0}}, {"g h", 1, 0.1F, {1, 0}}};
}

/// The base model's, with the predictions moved by `change` and these first weights.
std::vector<FakeText> moved(float change, const std::vector<float>& first) {
  std::vector<FakeText> texts = base_texts();
  for (size_t i = 0; i < texts.size(); ++i) {
    texts[i].probability += change;
    texts[i].attention = {first[i], 1 - first[i]};
  }
  return texts;
}

RunSpec spec(RunKind kind, uint64_t seed = 10, double lambda = 0, const std::string& other = "") {
  return {.kind = kind, .seed = seed, .lambda = lambda, .other = other};
}

LoadedStudy only_study(const TemporaryFolder& folder) {
  std::vector<LoadedStudy> studies = load_studies({folder.path()});
  REQUIRE(studies.size() == 1);
  return std::move(studies.front());
}

// --- which runs make a study

TEST_CASE("the base seed is the one that the other runs use") {
  const auto run = [](RunSpec spec) {
    LoadedRun result;
    result.config.data.dataset = "sst";
    result.config.spec = std::move(spec);
    return result;
  };
  const LoadedRun two = run(spec(RunKind::base, 2)), ten = run(spec(RunKind::base, 10)),
                  five = run(spec(RunKind::base, 5));
  const LoadedRun guide = run(spec(RunKind::guided_mlp, 10, 0, "sst-lstm-learned-seed5")),
                  other_guide = run(spec(RunKind::guided_mlp, 2, 0, "sst-lstm-learned-seed5"));
  const LoadedRun adversary = run(spec(RunKind::adversary, 2, 1e-3, "sst-lstm-learned-seed2"));
  const auto seed_of = [](const std::vector<LoadedRun>& runs) { return base_seed(runs); };
  CHECK(seed_of({two, ten, five}) == 10);
  CHECK(seed_of({two, five}) == 2);
  CHECK(seed_of({two, ten, five, guide}) == 5);
  CHECK(seed_of({two, ten, five, guide, other_guide, adversary}) == 2);
  CHECK(seed_of({guide}) == 10);
}

TEST_CASE("runs are grouped by data set; by folder too where the same run is there twice") {
  const TemporaryFolder first, second;
  fake_run(first, spec(RunKind::base), base_texts(), 0.8);
  fake_run(first, spec(RunKind::base), base_texts(), 0.8, {{"dataset", "imdb"}});
  fake_run(first, spec(RunKind::uniform), base_texts(), 0.7);
  auto studies = load_studies({first.path()});
  REQUIRE(studies.size() == 2);
  CHECK(studies[0].dataset == "imdb");
  CHECK(studies[1].runs.size() == 2);
  CHECK(studies[1].folder.empty());

  fake_run(second, spec(RunKind::base), base_texts(), 0.9);
  studies = load_studies({first.path(), second.path()});
  REQUIRE(studies.size() == 3);
  CHECK(studies[1].folder == first.path().string());
  CHECK(studies[2].folder == second.path().string());
  CHECK(studies[2].reference_run().test().f1 == doctest::Approx(0.9));
  CHECK(studies[1].key == "sst");
  CHECK(studies[2].key == "sst-2");

  fake_run(second, "copy", {{"hidden", 256}});
  CHECK_HAS(input_error([&] { load_studies({second.path()}); }), "are the same run (sst-lstm-learned-seed10)");
}

TEST_CASE("runs that failed or are unfinished are kept apart, with the reason") {
  const TemporaryFolder folder;
  nlohmann::json config = fake_config({{"seed", 3}});
  config.erase("device");  // it failed before it began
  RunWriter(RunFolder(folder.path(), "failed")).fail("the loss is not finite", config);
  RunWriter(RunFolder(folder.path(), "started")).start(fake_config({{"seed", 4}}));
  CHECK_HAS(input_error([&] { load_studies({folder.path()}); }), "failed: the loss is not finite");
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8);
  const LoadedStudy study = only_study(folder);
  CHECK(study.runs.size() == 1);
  REQUIRE(study.unused.size() == 2);
  CHECK(study.unused[0].unfinished == "failed: the loss is not finite");
  CHECK(study.unused[1].unfinished == "unfinished; start it again");
  CHECK(unused_table(study).rows.size() == 2);
}

TEST_CASE("attention is measured from the base model of the base seed") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8);
  fake_run(folder, spec(RunKind::base, 2), moved(0.1F, {0, 0.5F, 1, 1}), 0.8);
  const LoadedStudy study = only_study(folder);
  CHECK(study.reference_run().spec().seed == 10);
  CHECK(study.largest_attention == std::vector<float>{1, 1, 1, 1});
  const LoadedRun& other = study.runs[1];
  CHECK(other.from_reference.jsd[0] == kFar);
  CHECK(other.from_reference.jsd[1] == doctest::Approx(kHalfway));
  CHECK(other.from_reference.jsd[2] == 0);
  CHECK(other.from_reference.mean_tvd() == doctest::Approx(0.05));
  CHECK(std::isnan(other.evidence_mass));
}

// --- Tables 1 to 3

TEST_CASE("Table 1: the data beside the paper's") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8);
  const LoadedStudy study = only_study(folder);
  const ResultTable table = data_table(study);
  CHECK(table.name == "sst-table1");
  CHECK(table.rows == std::vector<Row>{{"train", "3,034", "3,321", "3,034", "3,321"},
                                       {"dev", "397", "424", "-", "-"},
                                       {"test", "863", "862", "863", "862"}});
  CHECK(is_papers_test_split(study));
  CHECK_HAS(conditions(study),
            "Data: sst, as many test texts of each class as in the paper. Start: random word vectors, 300 wide.");
  CHECK_HAS(conditions(study), "this leaks");
}

TEST_CASE("a part of the paper's training texts is said at each number") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8, {{"dataset", "agnews"}});
  CHECK_HAS(conditions(only_study(folder)),
            "Data: agnews, not the paper's test split, PARTIAL: 7,176 training and development texts where the paper's "
            "Table 1 has 60,000. Start:");
}

TEST_CASE("Table 2: the base seed, the mean over the seeds, and the paper's numbers") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::base), base_texts(), 0.83);
  fake_run(folder, spec(RunKind::base, 2), base_texts(), 0.85);
  fake_run(folder, spec(RunKind::uniform), base_texts(), 0.80);
  const ResultTable table = attention_table(only_study(folder));
  CHECK(table.header ==
        Row{"Attention", "Seed", "F1", "Paper's F1", "Difference", "ROC-AUC", "Accuracy", "Jain & Wallace's F1"});
  CHECK(table.rows == std::vector<Row>{{"Base", "10", "0.830", "0.831", "-0.001", "0.900", "0.800", "0.810"},
                                       {"Base", "mean of 2", "0.840 ± 0.014", "0.831", "+0.009", "0.900 ± 0.000",
                                        "0.800 ± 0.000", "0.810"},
                                       {"Uniform", "10", "0.800", "0.822", "-0.022", "0.900", "0.800", "-"}});
  CHECK_HAS(table.note, "Base: seeds 10 and 2.");
}

TEST_CASE("Table 3: the guides in the paper's order") {
  const TemporaryFolder folder;
  const RunSpec adversary = spec(RunKind::adversary, 10, 1e-3, kBaseName);
  fake_run(folder, spec(RunKind::guided_mlp, 10, 0, run_name("sst", adversary)), base_texts(), 0.5);
  fake_run(folder, spec(RunKind::guided_mlp, 10, 0, kBaseName), base_texts(), 0.8);
  fake_run(folder, spec(RunKind::guided_mlp, 10, 0, "my <weights>"), base_texts(), 0.6, {{"other_file", "x.jsonl"}});
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

// --- adversaries

/// Lambdas with F1 and how many of the four texts look at the other word.
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

TEST_CASE("Figure 3: the median over the other seeds, by text") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8);
  CHECK_FALSE(seed_violins(only_study(folder)));
  fake_run(folder, spec(RunKind::base, 2), moved(0, {0, 0, 1, 1}), 0.8);
  fake_run(folder, spec(RunKind::base, 50), moved(0, {0, 1, 1, 1}), 0.8);
  fake_run(folder, spec(RunKind::base, 257), moved(0, {1, 1, 0, 1}), 0.8);
  const auto figure = seed_violins(only_study(folder));
  REQUIRE(figure);
  CHECK(figure->divergence == std::vector<double>{kFar, 0, 0, 0});
  CHECK(figure->largest_attention == std::vector<double>{1, 1, 1, 1});
  CHECK(figure->predicted == std::vector<int32_t>{1, 1, 0, 0});
  CHECK(figure->classes == std::array<std::string, 2>{"negative", "positive"});
  const ResultTable table = seed_table(only_study(folder));
  CHECK(table.rows[0] == Row{"2", "0.347", "0.347", "0.000", "0.693"});
  CHECK(table.rows.back()[0] == "Median over the seeds");
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

  CHECK(per_instance_violins(study)->divergence == std::vector<double>{kFar, kFar, kFar, 0});
  CHECK(permutation_violins(study)->divergence[0] == doctest::Approx(0.4));
  CHECK(perturbation_table(study).rows[0] == Row{"Permutation, |Δp|", "0.175", "0.150", "0.050", "0.300"});
}

// --- findings

TEST_CASE("findings say what the numbers say") {
  const TemporaryFolder folder;
  // The base model is right on all of 40 texts; the others fail on half of the positive ones.
  std::vector<FakeText> right, wrong;
  for (int i = 0; i < 40; ++i) {
    right.push_back({"a b", i % 2, i % 2 == 1 ? 0.9F : 0.1F, {1, 0}});
    wrong.push_back({"a b", i % 2, i % 4 == 1 ? 0.9F : 0.1F, {1, 0}});
  }
  fake_run(folder, spec(RunKind::base), right, 1);
  for (const Finding& finding : findings(only_study(folder))) {
    CHECK(finding.verdict == Verdict::cannot_be_told);
    CHECK_HAS(finding.reason, "`notnot ");
  }
  fake_run(folder, spec(RunKind::uniform), wrong, 0.667);
  CHECK(findings(only_study(folder))[0].verdict == Verdict::agrees);
  fake_run(folder, spec(RunKind::uniform), right, 1);
  CHECK(findings(only_study(folder))[0].verdict == Verdict::cannot_be_told);
  fake_run(folder, spec(RunKind::base), wrong, 0.667);
  CHECK(findings(only_study(folder))[0].verdict == Verdict::disagrees);

  fake_run(folder, spec(RunKind::uniform_mlp), wrong, 0.667);
  fake_run(folder, spec(RunKind::trained_mlp), right, 1);
  fake_run(folder, spec(RunKind::guided_mlp, 10, 0, kBaseName), right, 1);
  CHECK(findings(only_study(folder))[1].verdict == Verdict::cannot_be_told);  // the last two are equal
  fake_run(folder, spec(RunKind::guided_mlp, 10, 0, kBaseName), wrong, 0.667);
  CHECK(findings(only_study(folder))[1].verdict == Verdict::disagrees);

  const std::string adversary = run_name("sst", spec(RunKind::adversary, 10, 1e-3, kBaseName));
  fake_run(folder, spec(RunKind::guided_mlp, 10, 0, adversary), right, 1);
  CHECK(findings(only_study(folder))[2].verdict == Verdict::disagrees);
  for (const RunSpec& each :
       {spec(RunKind::uniform_mlp), spec(RunKind::trained_mlp), spec(RunKind::guided_mlp, 10, 0, kBaseName)}) {
    fake_run(folder, each, right, 1);
  }
  fake_run(folder, spec(RunKind::guided_mlp, 10, 0, adversary), wrong, 0.667);
  CHECK(findings(only_study(folder))[2].verdict == Verdict::agrees);
}

// --- numbers

TEST_CASE("numbers for people") {
  CHECK(three_decimals(0.8456) == "0.846");
  CHECK(three_decimals(kNoNumber) == "-");
  CHECK(signed_three_decimals(0.0004) == "0.000");
  CHECK(signed_three_decimals(-0.0004) == "0.000");
  CHECK(signed_three_decimals(-0.0126) == "-0.013");
  CHECK(signed_three_decimals(0.0126) == "+0.013");
  CHECK(signed_three_decimals(kNoNumber) == "-");
  CHECK(mean_and_spread({0.5}) == "0.500");
  CHECK(mean_and_spread({0.4, 0.6}) == "0.500 ± 0.141");
}

TEST_CASE("the paper's numbers") {
  const PaperResults* sst = find_in_paper("sst");
  REQUIRE(sst != nullptr);
  CHECK(sst->base_f1 == 0.831);
  CHECK(sst->jain_wallace_f1 == 0.81);
  CHECK(sst->guides.adversary == 0.592);
  CHECK(sst->adversary.lambda == 5.25e-4);
  CHECK(find_in_paper("diabetes")->guides.uniform == 0.404);
  CHECK(find_in_paper("anemia")->adversary.jsd == 0.481);
  CHECK(std::isnan(find_in_paper("agnews")->guides.base));
  CHECK(find_in_paper("planted") == nullptr);
  for (const PublishedCorpus& corpus : kPublishedCorpora) CHECK(find_in_paper(corpus.name) != nullptr);
}

}  // namespace
}  // namespace notnot
