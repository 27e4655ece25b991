#include "experiments/report/adversaries.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <tuple>

#include "experiments/report/frontier.h"
#include "experiments/report/page.h"
#include "experiments/report/report_folder.h"
#include "tests/experiments/report/small_study.h"
#include "tests/support/input_error.h"
#include "tests/support/run_damage.h"

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
}

TEST_CASE("larger lambdas are needed only where none up to the default grid's end goes far enough") {
  const auto needs_larger = [](const std::vector<std::tuple<double, double, int>>& grid) {
    const TemporaryFolder folder;
    fake_grid(folder, grid);
    return needs_larger_lambdas(only_study(folder));
  };
  CHECK(needs_larger({{2e-3, 0.8, 1}, {4e-3, 0.79, 2}, {8e-3, 0.78, 4}}));
  CHECK_FALSE(needs_larger({{2e-3, 0.8, 4}, {8e-3, 0.78, 4}}));  // larger ones were asked for
  CHECK_FALSE(needs_larger({{1e-3, 0.8, 1}, {2e-3, 0.79, 4}}));
  CHECK_FALSE(needs_larger({{4e-3, 0.8, 1}, {8e-3, 0.78, 4}}));  // nothing is known about smaller ones
  CHECK_FALSE(needs_larger({}));
}

TEST_CASE("no adversary goes far enough") {
  const TemporaryFolder folder;
  fake_grid(folder, {{2e-4, 0.79, 1}, {1e-4, 0.81, 2}});
  const LoadedStudy study = only_study(folder);
  CHECK(best_adversary(study) == nullptr);
  CHECK(shown_adversary(study)->spec().lambda == 1e-4);
  CHECK(best_adversary_table(study).rows[0] == Row{"Largest JSD; none passes", "0.0001", "0.810", "0.020", "0.347"});
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

/// The JSD of the attention (w, 1 - w) from (1, 0), from its definition.
double jsd_of(double w) {
  const double a = (1 + w) / 2, b = (1 - w) / 2;
  const double of_base = std::log(1 / a),
               of_other = (w > 0 ? w * std::log(w / a) : 0) + (1 - w) * std::log((1 - w) / b);
  return (of_base + of_other) / 2;
}

/// The w whose jsd_of is `jsd`.
float weight_for(double jsd) {
  double low = 0, high = 1;  // jsd_of falls from ln 2 to 0
  for (int i = 0; i < 60; ++i) (jsd_of((low + high) / 2) > jsd ? low : high) = (low + high) / 2;
  return static_cast<float>(low);
}

constexpr const char* kExists = "A distant adversary exists";

/// Base models, each with an adversary, and the finding on them.
struct FakeAttacks {
  std::string dataset = "sst";
  std::vector<uint64_t> seeds = {10, 2, 50, 7};
  std::vector<double> f1 = {0, -0.001, 0.001, 0};  ///< of the adversary minus its base model
  double jsd = 0.5;                                ///< in every text
  float change = 0.04F;                            ///< of the probabilities; TVD is half of it
  double lambda = 1e-3;
  int32_t patience = 3;  ///< with 2 or 3 the adversary's 8 epochs, of which it chose the fifth, are all that it wants

  void write(const TemporaryFolder& folder) const {
    const float w = weight_for(jsd);
    for (size_t i = 0; i < seeds.size(); ++i) {
      const std::string base = run_name(dataset, spec(RunKind::base, seeds[i]));
      fake_run(folder, spec(RunKind::base, seeds[i]), base_texts(), 0.8, {{"dataset", dataset}});
      fake_run(folder, spec(RunKind::adversary, seeds[i], lambda, base), moved(change, {w, w, w, w}), 0.8 + f1[i],
               {{"dataset", dataset}, {"tvd_factor", 0.5}, {"patience", patience}});
    }
  }
  Finding finding() const {
    const TemporaryFolder folder;
    write(folder);
    return judged_finding(folder, kExists);
  }
};

TEST_CASE("among adversaries with the same F1 the one with the smallest lambda is the best") {
  const TemporaryFolder folder;
  fake_grid(folder, {{1e-3, 0.79, 4}, {5e-4, 0.79, 3}, {2e-4, 0.79, 4}, {1e-4, 0.78, 4}});
  const LoadedStudy study = only_study(folder);
  CHECK(best_adversary(study)->spec().lambda == 2e-4);
  CHECK(best_adversary_table(study).rows[0][1] == "0.0002");
}

TEST_CASE("an adversary confirms the paper if JSD, F1 and TVD of the other seeds are all on its side") {
  const Finding agrees = FakeAttacks{}.finding();
  CHECK(agrees.verdict == Verdict::agrees);
  CHECK(agrees.why.empty());
  CHECK_HAS(agrees.claim,
            "above 0.4 from the base model's, with an F1 on par (at most 0.02 below) and a mean TVD below "
            "0.04 (Table 4).");
  // Three other seeds: -0.001, 0.001 and 0; t(2) = 2.920 times 0.001 / sqrt(3).
  CHECK_HAS(agrees.reason, "n = 3: JSD 0.500 (90% interval 0.500 to 0.500; error of seeds 0.000, of texts 0.000");
  CHECK_HAS(agrees.reason, "; F1 of Adversary minus its base model 0.000 (90% interval -0.002 to +0.002; ");
  CHECK_HAS(agrees.reason, "; TVD 0.020 (90% interval 0.020 to 0.020; ");
  CHECK(
      agrees.reason.ends_with("λ = 0.001, the highest F1 beyond that JSD on the development split of seed 10; the "
                              "numbers are of the test split, "
                              "over the other seeds."));
  // Each of the three alone speaks against the paper.
  CHECK(FakeAttacks{.f1 = {0, -0.1, -0.1, -0.1}}.finding().verdict == Verdict::disagrees);
  CHECK(FakeAttacks{.jsd = 0.3}.finding().verdict == Verdict::disagrees);
  CHECK(FakeAttacks{.change = 0.09F}.finding().verdict == Verdict::disagrees);
  CHECK(FakeAttacks{.change = 0.079F}.finding().verdict == Verdict::agrees);
  // The seed on which lambda was chosen does not count.
  CHECK(FakeAttacks{.f1 = {-0.1, 0, 0, 0}}.finding().verdict == Verdict::agrees);
  // F1 0.015 below, with a large spread.
  const Finding untold = FakeAttacks{.f1 = {0, -0.005, -0.015, -0.025}}.finding();
  CHECK(untold.verdict == Verdict::cannot_be_told);
  CHECK_HAS(
      untold.reason,
      "F1 of Adversary minus its base model is known to within 0.017, which is too little to tell its side of -0.02.");
  CHECK(FakeAttacks{.dataset = "own"}.finding().verdict == Verdict::no_claim);
}

TEST_CASE("one base model, or two or three, are too few to confirm") {
  for (const size_t others : {0, 1, 2}) {
    FakeAttacks attacks;
    attacks.seeds.resize(1 + others);
    const Finding finding = attacks.finding();
    CHECK(finding.verdict == Verdict::cannot_be_told);
    CHECK(finding.why ==
          (others == 2 ? "two seeds; `--repeats 5` trains more" : "one seed; `--repeats 5` trains more"));
    CHECK_HAS(finding.reason, "JSD 0.500 (error of texts 0.000)");
  }
  CHECK(FakeAttacks{.seeds = {10}, .jsd = 0.3}.finding().why ==
        "one seed; no λ passes a JSD of 0.4 on the development split, so that `--repeats` trains no more seeds; "
        "`--lambdas` tries others");
}

TEST_CASE("adversaries that the limit of epochs stopped tell nothing against the paper") {
  const std::string names =
      " Stopped by the limit of 8 epochs less than 4 epochs after the best: seed 10 with λ = 0.001; seed 2 "
      "with λ = 0.001; seed 7 with λ = 0.001; seed 50 with λ = 0.001.";
  const Finding against = FakeAttacks{.jsd = 0.3, .patience = 4}.finding();
  CHECK(against.verdict == Verdict::cannot_be_told);
  CHECK(against.why == "train longer (`--adversary-epochs`)");
  CHECK(against.reason.ends_with(names));
  const Finding agrees = FakeAttacks{.patience = 4}.finding();
  CHECK(agrees.verdict == Verdict::agrees);  // they exist already
  CHECK(agrees.reason.ends_with(names));
  const Finding short_grid = FakeAttacks{.jsd = 0.3, .lambda = 5e-4}.finding();
  CHECK(short_grid.verdict == Verdict::cannot_be_told);
  CHECK(short_grid.why == "the grid ends at λ = 0.0005, below the paper's 0.001");
}

TEST_CASE("lambda is chosen on the development split") {
  // fake_run gives both splits the same texts and numbers; here the development split's F1 and attention are turned.
  const TemporaryFolder folder;
  FakeAttacks{.seeds = {10}}.write(folder);
  fake_run(folder, spec(RunKind::adversary, 10, 5e-4, kBaseName), moved(0.04F, {0, 0, 0, 0}), 0.9,
           {{"tvd_factor", 0.5}, {"patience", 3}});
  CHECK(best_adversary(only_study(folder))->spec().lambda == 5e-4);
  const std::filesystem::path run = folder / run_name("sst", spec(RunKind::adversary, 10, 5e-4, kBaseName)),
                              base = folder / kBaseName;
  std::filesystem::copy_file(base / "attention_dev.safetensors", run / "attention_dev.safetensors",
                             std::filesystem::copy_options::overwrite_existing);
  remove_checksums(RunFolder(run));
  CHECK(best_adversary(only_study(folder))->spec().lambda == 1e-3);  // on that split the other one is not far
}

TEST_CASE("without a far adversary the one with the paper's lambda is shown, otherwise the farthest") {
  const TemporaryFolder folder;
  fake_grid(folder, {{5e-4, 0.8, 2}, {2e-3, 0.8, 2}, {2e-4, 0.8, 1}});
  CHECK(shown_adversary(only_study(folder))->spec().lambda == 5e-4);  // of two as far, the first of the grid
  fake_grid(folder, {{1e-3, 0.8, 1}});
  CHECK(shown_adversary(only_study(folder))->spec().lambda == 1e-3);
  CHECK(most_distant_adversary(only_study(folder))->spec().lambda == 5e-4);
}

TEST_CASE("adversaries of another seed or of another base model are not in the grid") {
  const TemporaryFolder folder;
  fake_grid(folder, {{1e-3, 0.79, 4}, {1e-4, 0.79, 4}});
  fake_run(folder, spec(RunKind::base, 2), base_texts(), 0.9);
  fake_run(folder, spec(RunKind::adversary, 2, 2e-3, "sst-lstm-learned-seed2"), moved(0, {0, 0, 0, 0}), 0.95);
  fake_run(folder, spec(RunKind::adversary, 50, 3e-3, kBaseName), moved(0, {0, 0, 0, 0}), 0.96);
  const LoadedStudy study = only_study(folder);
  CHECK(lambda_grid(study).size() == 2);
  CHECK(best_adversary(study)->test().f1 == doctest::Approx(0.79));
  REQUIRE(adversaries_of_other_seeds(study).size() == 1);
  CHECK(adversaries_of_other_seeds(study)[0]->spec().seed == 50);
  CHECK(repeats_of(study, *best_adversary(study)).size() == 1);
  // No adversary of the base seed has this lambda, so the other seed's stands alone.
  CHECK(adversary_seed_table(study).rows == std::vector<Row>{{"0.003", "50", "0.960", "0.000", "0.693"}});
}

TEST_CASE("the cells of Table 4 are compared with what a further adversary would have") {
  const TemporaryFolder folder;
  FakeAttacks{.f1 = {0, 0.02, 0.023, 0.026}}.write(folder);
  const Finding finding = judged_finding(folder, "Published adversary, Table 4");
  REQUIRE(finding.tests.size() == 3);
  // The other three seeds: 0.823 with a standard deviation of 0.003; t(2) = 4.303 times 0.003 sqrt(4 / 3) is 0.0149.
  CHECK(finding.tests[0].quantity == "F1 (published 0.823)");
  CHECK(finding.tests[0].interval.low == doctest::Approx(0.823 - 0.0149).epsilon(1e-4));
  CHECK(finding.tests[0].interval.high == doctest::Approx(0.823 + 0.0149).epsilon(1e-4));
  CHECK(finding.tests[0].verdict() == Verdict::agrees);
  // All three have the same TVD, 0.02, and JSD, 0.5: a further one would, too.
  CHECK(finding.tests[1].quantity == "TVD (published 0.036)");
  CHECK(finding.tests[1].estimate.value() == doctest::Approx(0.02));
  CHECK(finding.tests[1].verdict() == Verdict::disagrees);
  CHECK(finding.tests[2].quantity == "JSD (published 0.514)");
  CHECK(finding.tests[2].estimate.value() == doctest::Approx(0.5));
  CHECK(finding.verdict == Verdict::disagrees);

  const TemporaryFolder near;
  FakeAttacks{.jsd = 0.3}.write(near);
  CHECK_HAS(judged_finding(near, "Published adversary, Table 4").why, "no adversary is as far as those of Table 4");
}

TEST_CASE("if all adversaries have other seeds than their base models, Table 4 has those with the smallest seed") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8);
  fake_run(folder, spec(RunKind::base, 2), base_texts(), 0.9);
  const auto adversary = [&](uint64_t seed, double lambda, const std::string& of, double f1) {
    fake_run(folder, spec(RunKind::adversary, seed, lambda, of), moved(0.04F, {0, 0, 0, 0}), f1, {{"tvd_factor", 0.5}});
  };
  adversary(77, 1e-3, kBaseName, 0.79);
  adversary(77, 5e-4, kBaseName, 0.78);
  adversary(77, 1e-3, "sst-lstm-learned-seed2", 0.87);
  adversary(100, 1e-3, kBaseName, 0.5);
  LoadedStudy study = only_study(folder);
  REQUIRE(lambda_grid(study).size() == 2);
  CHECK(best_adversary(study)->test().f1 == 0.79);
  CHECK(repeats_of(study, *best_adversary(study)).size() == 2);
  const ResultTable table = best_adversary_table(study);
  CHECK(table.rows[0] == Row{"Adversary, seed 77", "0.001", "0.790", "0.020", "0.693"});
  CHECK(table.rows[1][2] == "0.830 ± 0.057");
  CHECK_HAS(lambda_table(study).caption, "Every adversary with seed 77 on");
  REQUIRE(frontier(study));
  CHECK(frontier(study)->adversaries.size() == 2);
  CHECK_HAS(judged_finding(folder, kExists).reason, "λ = 0.001, seed 77, the highest F1 beyond that JSD on the");
  CHECK(adversary_seed_table(study).rows ==
        std::vector<Row>{{"0.001", "77", "0.790", "0.020", "0.693"}, {"0.001", "100", "0.500", "0.020", "0.693"}});
  // An adversary with the base model's own seed takes their place.
  adversary(10, 2e-3, kBaseName, 0.7);
  study = only_study(folder);
  REQUIRE(lambda_grid(study).size() == 1);
  CHECK(best_adversary_table(study).rows[0][0] == "Adversary");
  CHECK(adversaries_of_other_seeds(study).size() == 3);
}

TEST_CASE("Table 4 and the table of lambdas, cell by cell") {
  const TemporaryFolder folder;
  const auto run = [&](const RunSpec& of, const std::vector<FakeText>& texts, const Classification& measures) {
    nlohmann::json choices = choices_of(of);
    choices["tvd_factor"] = 1.0;
    if (of.kind != RunKind::adversary) choices.erase("tvd_factor");
    fake_run(folder, run_name("sst", of), choices, texts, measures);
  };
  run(spec(RunKind::base), base_texts(), {0.8, 0.7, 0.91, 0.6});
  run(spec(RunKind::adversary, 10, 1e-3, kBaseName), moved(0.04F, {0, 0, 0, 0}), {0.79, 0.71, 0.92, 0.61});
  run(spec(RunKind::base, 2), moved(0.05F, {0, 0, 0, 0}), {0.9, 0.72, 0.93, 0.62});
  run(spec(RunKind::adversary, 2, 1e-3, "sst-lstm-learned-seed2"), moved(0.06F, {0.5F, 0.5F, 0.5F, 0.5F}),
      {0.85, 0.73, 0.94, 0.63});
  const LoadedStudy study = only_study(folder);
  const ResultTable best = best_adversary_table(study), all = lambda_table(study);
  CHECK(best.header == Row{"Model", "λ", "F1", "TVD", "JSD"});
  CHECK(best.caption == "Best adversary with a mean JSD above 0.4 on Stanford Sentiment Treebank (SST) (Table 4)");
  // TVD with the factor 1: 0.04 and 0.01. JSD: ln 2, and 0.2158 of (0, 1) from (0.5, 0.5).
  CHECK(best.rows ==
        std::vector<Row>{{"Adversary", "0.001", "0.790", "0.040", "0.693"},
                         {"Mean over 2 base models", "0.001", "0.820 ± 0.042", "0.025 ± 0.021", "0.454 ± 0.338"},
                         {"Base, seed 10", "-", "0.800", "0.000", "0.000"},
                         {"The paper's adversary", "0.000525", "0.823", "0.036", "0.514"},
                         {"The paper's base model", "-", "0.831", "0.000", "0.000"}});
  const std::string own =
      "In the mean over base models, TVD and JSD of each adversary are from the base model it "
      "attacks.";
  CHECK_HAS(best.note, own);
  CHECK(all.note.find(own) == std::string::npos);
  CHECK(all.header == Row{"λ", "F1", "TVD", "JSD", "ROC-AUC", "Epoch"});
  CHECK(all.rows == std::vector<Row>{{"0.001", "0.790", "0.040", "0.693", "0.920", "5 of 8"}});
  CHECK_HAS(all.caption, "Every adversary with seed 10 on");
  for (const std::string& note : {best.note, all.note, adversary_seed_table(study).note}) {
    CHECK_HAS(note, "Means over the test texts. TVD: total variation distance of the predictions, |Δp|. JSD: ");
    CHECK_HAS(note, "from the base model with seed 10, in nats, at most 0.693.");
    CHECK_HAS(note, "The epoch of an adversary is the one with the lowest train loss.");
  }
}

TEST_CASE("the remarks below Table 4") {
  const auto section = [](const std::vector<std::tuple<double, double, int>>& grid) {
    const TemporaryFolder folder, out;
    fake_grid(folder, grid);
    ReportFolder report(out / "report", false);
    return adversaries_part().section(only_study(folder), Exhibits(report)).html;
  };
  const std::string
      none =
          "No adversary of the grid passes a mean JSD of 0.4 on the development split; the table shows the one "
          "with the largest.",
      larger = "where the default grid ends, passes a mean JSD of 0.4 on";
  const std::string far = section({{1e-3, 0.8, 4}, {2e-3, 0.8, 4}});
  CHECK(far.find(none) == std::string::npos);
  CHECK(far.find(larger) == std::string::npos);
  CHECK_HAS(section({{1e-3, 0.8, 1}}), none);
  CHECK(section({{1e-3, 0.8, 1}}).find(larger) == std::string::npos);
  // Whether the user gave the larger lambda or it was added is not known.
  CHECK_HAS(section({{2e-3, 0.8, 1}, {8e-3, 0.8, 4}}),
            "No &lambda; up to 0.002, where the default grid ends, passes a mean JSD of 0.4 on the development split; "
            "this grid goes up to "
            "0.008.");
  CHECK(section({}).empty());
  if (can_draw()) CHECK_HAS(far, "predictions (TVD, 0.5 |&Delta;p|)");
}

TEST_CASE("Figure 5: every series has its points and labels, and nothing else") {
  const TemporaryFolder folder;
  fake_grid(folder, {{1e-3, 0.79, 3}, {1e-4, 0.81, 1}});
  fake_run(folder, spec(RunKind::base, 2), moved(0.1F, {1, 1, 1, 0}), 0.8);
  fake_run(folder, spec(RunKind::base, 50), moved(0.05F, {0.5F, 1, 1, 1}), 0.8);
  fake_run(folder, spec(RunKind::uniform), moved(-0.06F, {0.5F, 0.5F, 0.5F, 0.5F}), 0.8);
  fake_run(folder, spec(RunKind::uniform, 2), moved(0, {0, 0, 0, 0}), 0.8);
  fake_run(folder, spec(RunKind::adversary, 50, 1e-3, kBaseName), moved(0, {0, 0, 0, 0}), 0.78);
  fake_run(folder, spec(RunKind::adversary, 2, 1e-3, "sst-lstm-learned-seed2"), moved(0, {0, 0, 0, 0}), 0.78);
  fake_perturbation(folder, spec(RunKind::perturbation, 10, 0, kBaseName), moved(0.02F, {0, 0, 0, 1}),
                    {0.4F, 0.2F, 0.1F, 0});
  fake_perturbation(folder, spec(RunKind::perturbation, 2, 0, "sst-lstm-learned-seed2"), moved(0, {0, 1, 1, 1}),
                    {0.4F, 0.2F, 0.1F, 0});
  const auto figure = frontier(only_study(folder));
  REQUIRE(figure);
  const auto check = [](const std::vector<FigurePoint>& points, const std::vector<FigurePoint>& expected) {
    REQUIRE(points.size() == expected.size());
    for (size_t i = 0; i < points.size(); ++i) {
      CHECK(points[i].label == expected[i].label);
      CHECK(points[i].x == doctest::Approx(expected[i].x));
      CHECK(points[i].y == doctest::Approx(expected[i].y));
      CHECK(std::isnan(points[i].x_error));
      CHECK(std::isnan(points[i].y_error));
    }
  };
  check(figure->adversaries, {{"0.0001", 0.25 * kFar, 0.02}, {"0.001", 0.75 * kFar, 0.02}});
  check(figure->seeds, {{"2", 0.25 * kFar, 0.05}, {"50", 0.25 * kHalfway, 0.025}});
  check(figure->uniform, {{"10", kHalfway, 0.03}});
  check(figure->per_instance, {{"10", 0.75 * kFar, 0.01}});
}

TEST_CASE("Figure 5 needs a base model, an adversary, and texts of the class") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8);
  fake_run(folder, spec(RunKind::uniform), base_texts(), 0.8);
  CHECK_FALSE(frontier(only_study(folder)));
  std::vector<FakeText> all_positive = base_texts();
  for (FakeText& text : all_positive) text.probability = 0.9F;
  fake_run(folder, spec(RunKind::base), all_positive, 0.8);
  fake_run(folder, spec(RunKind::adversary, 10, 1e-3, kBaseName), all_positive, 0.8);
  CHECK(frontier(only_study(folder)));
  CHECK(frontier(only_study(folder), 1));
  CHECK_FALSE(frontier(only_study(folder), 0));
}

}  // namespace
}  // namespace notnot
