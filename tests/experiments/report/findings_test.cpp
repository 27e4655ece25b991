#include "experiments/report/findings.h"

#include <doctest/doctest.h>

#include <array>
#include <functional>

#include "experiments/report/page.h"
#include "tests/experiments/report/small_study.h"
#include "tests/support/input_error.h"

namespace notnot {
namespace {

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

F1Comparison comparison(const std::string& a, const std::string& b, std::vector<double> by_seed, F1Difference texts) {
  return {a, b, std::move(by_seed), 7, texts};
}

constexpr const char* kOverTexts = "in brackets the 95% interval of the paired bootstrap over the test texts). ";
constexpr const char* kOverThreeSeeds =
    "F1 differences (mean and standard deviation over n = 3 seeds, in brackets the 95% interval of the mean). ";

TEST_CASE("differences in words: which model minus which, by which method, with which interval") {
  const F1Comparison one = comparison("Base", "Uniform", {0.03}, {0.031, 0.011, 0.052, 0.02}),
                     two = comparison("A", "B", {-0.02, -0.03}, {-0.021, -0.05, 0.01, 0.3}),
                     three = comparison("C", "D", {0.01, 0.02, 0.03}, {0.5, 0.4, 0.6, 0});
  const std::string of_one = std::string("F1 differences (seed 7, n = 1, ") + kOverTexts;
  // Of three seeds: mean 0.02, deviation 0.01, t(2) = 4.303, so the interval is 0.0248 to both sides.
  const std::string of_three = std::string(kOverThreeSeeds) + "C minus D: 0.020 ± 0.010 (-0.005 to +0.045)";
  CHECK(sentences({one}) == of_one + "Base minus Uniform: +0.031 (+0.011 to +0.052).");
  CHECK(sentences({two}) ==
        std::string("F1 differences (seed 7, n = 2, ") + kOverTexts + "A minus B: -0.021 (-0.050 to +0.010).");
  CHECK(sentences({three}) == of_three + ".");
  CHECK(sentences({one, three}) == of_one + "Base minus Uniform: +0.031 (+0.011 to +0.052). " + of_three + ".");
  CHECK(sentences({one, one}) ==
        of_one + "Base minus Uniform: +0.031 (+0.011 to +0.052); Base minus Uniform: +0.031 (+0.011 to +0.052).");
}

TEST_CASE("a verdict: all intervals above zero, or one below it; an interval that touches zero tells nothing") {
  const auto judged = [](const std::vector<std::pair<double, double>>& intervals) {
    std::vector<F1Comparison> differences;
    for (const auto& interval : intervals) {
      differences.push_back(comparison("A", "B", {0.1}, {0.1, interval.first, interval.second, 0.1}));
    }
    Finding finding;
    judge(differences, finding);
    const bool untold = finding.verdict == Verdict::cannot_be_told;
    CHECK(finding.reason == sentences(differences) + (untold ? " An interval contains zero." : ""));
    return finding.verdict;
  };
  CHECK(judged({{0.01, 0.02}}) == Verdict::agrees);
  CHECK(judged({{0.01, 0.02}, {0.001, 0.3}}) == Verdict::agrees);
  CHECK(judged({{0.01, 0.02}, {0, 0.3}}) == Verdict::cannot_be_told);
  CHECK(judged({{0, 0.3}, {0.01, 0.02}}) == Verdict::cannot_be_told);
  CHECK(judged({{-0.1, 0.2}}) == Verdict::cannot_be_told);
  CHECK(judged({{-0.2, 0}}) == Verdict::cannot_be_told);
  CHECK(judged({{-0.2, -0.1}}) == Verdict::disagrees);
  CHECK(judged({{0.01, 0.02}, {-0.2, -0.1}}) == Verdict::disagrees);
  CHECK(judged({{-0.2, -0.1}, {-0.2, 0.1}}) == Verdict::disagrees);
}

TEST_CASE("verdicts in words and as HTML") {
  CHECK(to_string(Verdict::agrees) == "agrees");
  CHECK(to_string(Verdict::disagrees) == "does not agree");
  CHECK(to_string(Verdict::cannot_be_told) == "cannot be told");
  const auto html = [](const char* name, const char* mark, const char* words) {
    return fmt::format(R"(<span class="verdict {}"><span aria-hidden="true">{}</span> {}</span>)", name, mark, words);
  };
  CHECK(verdict_html(Verdict::agrees) == html("agrees", "&#10003;", "agrees"));                // a tick
  CHECK(verdict_html(Verdict::disagrees) == html("disagrees", "&#10007;", "does not agree"));  // a cross
  CHECK(verdict_html(Verdict::cannot_be_told) == html("untold", "?", "cannot be told"));
}

constexpr std::array<uint64_t, 3> kThreeSeeds = {10, 2, 50};

/// A run of each seed, with these F1.
void fake_seeds(const TemporaryFolder& folder, const std::function<RunSpec(uint64_t)>& of_seed,
                const std::array<double, 3>& f1) {
  for (size_t i = 0; i < f1.size(); ++i) fake_run(folder, of_seed(kThreeSeeds[i]), base_texts(), f1[i]);
}

TEST_CASE("attention helps: over seeds, in numbers worked out by hand") {
  const auto finding = [](const std::array<double, 3>& base, const std::array<double, 3>& uniform) {
    const TemporaryFolder folder;
    fake_seeds(
        folder, [](uint64_t seed) { return spec(RunKind::base, seed); }, base);
    fake_seeds(
        folder, [](uint64_t seed) { return spec(RunKind::uniform, seed); }, uniform);
    return findings(only_study(folder))[0];
  };
  const Finding helps = finding({0.80, 0.82, 0.84}, {0.70, 0.73, 0.76});  // 0.10, 0.09, 0.08
  CHECK(helps.title == "Attention helps");
  CHECK(helps.verdict == Verdict::agrees);
  CHECK(helps.reason == std::string("F1: Base 0.820 ± 0.020 (n = 3), Uniform 0.730 ± 0.030 (n = 3). ") +
                            kOverThreeSeeds + "Base minus Uniform: 0.090 ± 0.010 (+0.065 to +0.115).");
  const Finding harms = finding({0.70, 0.73, 0.76}, {0.80, 0.82, 0.84});
  CHECK(harms.verdict == Verdict::disagrees);
  CHECK_HAS(harms.reason, "Base minus Uniform: -0.090 ± 0.010 (-0.115 to -0.065).");
  const Finding untold = finding({0.80, 0.82, 0.84}, {0.80, 0.83, 0.80});  // 0, -0.01, 0.04
  CHECK(untold.verdict == Verdict::cannot_be_told);
  CHECK(untold.reason.ends_with("Base minus Uniform: 0.010 ± 0.026 (-0.056 to +0.076). The interval contains zero."));
}

TEST_CASE("guides: over seeds, in numbers worked out by hand") {
  const auto by_base = [](uint64_t seed) {
    return spec(RunKind::guided_mlp, seed, 0, run_name("sst", spec(RunKind::base, seed)));
  };
  const auto by_adversary = [](double lambda) {
    return [lambda](uint64_t seed) {
      const std::string base = run_name("sst", spec(RunKind::base, seed));
      return spec(RunKind::guided_mlp, seed, 0, run_name("sst", spec(RunKind::adversary, seed, lambda, base)));
    };
  };
  const TemporaryFolder folder;
  fake_seeds(folder, [](uint64_t seed) { return spec(RunKind::uniform_mlp, seed); }, {0.50, 0.52, 0.51});
  fake_seeds(folder, [](uint64_t seed) { return spec(RunKind::trained_mlp, seed); }, {0.60, 0.63, 0.60});
  fake_seeds(folder, by_base, {0.68, 0.69, 0.70});
  fake_seeds(folder, by_adversary(2e-3), {0.10, 0.10, 0.10});
  const Finding order = findings(only_study(folder))[1];
  CHECK(order.title == "Attention guides");
  CHECK(order.verdict == Verdict::agrees);
  CHECK(order.reason == std::string(kOverThreeSeeds) +
                            "Trained MLP minus Uniform: 0.100 ± 0.010 (+0.075 to +0.125); "
                            "Base LSTM minus Trained MLP: 0.080 ± 0.020 (+0.030 to +0.130).");
  // Only the adversary with the paper's lambda counts.
  CHECK(findings(only_study(folder))[2].verdict == Verdict::cannot_be_told);
  CHECK_HAS(findings(only_study(folder))[2].reason, "`notnot guides`");

  fake_seeds(folder, by_adversary(1e-3), {0.45, 0.45, 0.45});
  const Finding worst = findings(only_study(folder))[2];
  CHECK(worst.title == "Adversarial attention does not guide");
  CHECK(worst.verdict == Verdict::agrees);
  CHECK(worst.reason == std::string(kOverThreeSeeds) +
                            "Uniform minus Adversary, λ = 0.001: 0.060 ± 0.010 (+0.035 to +0.085); "
                            "Trained MLP minus Adversary, λ = 0.001: 0.160 ± 0.017 (+0.117 to +0.203); "
                            "Base LSTM minus Adversary, λ = 0.001: 0.240 ± 0.010 (+0.215 to +0.265).");
  // The finding is about these, whatever adversaries with one other seed guide.
  for (const uint64_t seed : kThreeSeeds) {
    const std::string base = run_name("sst", spec(RunKind::base, seed));
    const std::string other = run_name("sst", spec(RunKind::adversary, 1, 1e-3, base));
    fake_run(folder, spec(RunKind::guided_mlp, seed, 0, other), base_texts(), 0.9);
  }
  CHECK(findings(only_study(folder))[2].reason == worst.reason);

  fake_seeds(folder, by_adversary(1e-3), {0.66, 0.66, 0.66});  // better than the trained MLP, worse than the base's
  CHECK(findings(only_study(folder))[2].verdict == Verdict::disagrees);
}

}  // namespace
}  // namespace notnot
