#include "experiments/report/frontier.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/experiments/report/small_study.h"
#include "tests/support/input_error.h"

namespace notnot {
namespace {

TEST_CASE("the height of a curve, linear between its points and level beyond its ends") {
  const std::vector<CurvePoint> curve = {{0.4, 0.06}, {0.1, 0.01}, {0.2, 0.02}};
  CHECK(tvd_at(curve, 0.3) == doctest::Approx(0.04));
  CHECK(tvd_at(curve, 0.15) == doctest::Approx(0.015));
  CHECK(tvd_at(curve, 0.2) == doctest::Approx(0.02));
  CHECK(tvd_at(curve, 0.05) == 0.01);
  CHECK(tvd_at(curve, 0.6) == 0.06);
}

TEST_CASE("the chord lies above a convex curve") {
  // Chord from (0, 0) to (1, 1): mean height 1/2. The curve over (0.5, 0.1): (0.05 + 0.55) / 2 = 0.3.
  CHECK(height_of_chord({{0.5, 0.1}, {1, 1}, {0, 0}}) == doctest::Approx(0.2));
  CHECK(height_of_chord({{0.5, 0.9}, {1, 1}, {0, 0}}) == doctest::Approx(-0.2));
  CHECK(height_of_chord({{0, 0}, {0.3, 0.3}, {1, 1}}) == doctest::Approx(0));
  CHECK(std::isnan(height_of_chord({{0.3, 0}, {0.3, 1}})));
}

/// 30 copies of four texts.
std::vector<FakeText> thirty_times(const std::vector<FakeText>& texts) {
  std::vector<FakeText> result;
  for (int i = 0; i < 30; ++i) result.insert(result.end(), texts.begin(), texts.end());
  return result;
}

/// Base models of these seeds, each with three adversaries whose TVD is `tvd` when they look at the second word of 1, 2
/// and 4 of four texts, and a per-instance adversary that does so in 2 texts, with the TVD `plus`.
struct FakeGrids {
  std::string dataset = "imdb";
  std::vector<uint64_t> seeds = {10, 2, 50};
  std::vector<float> tvd = {0.001F, 0.004F, 0.045F};
  float plus = 0.001F;
  std::vector<std::vector<float>> first = {{0, 1, 1, 1}, {0, 0, 1, 1}, {0, 0, 0, 0}};  ///< weights of the first word
  std::vector<float> first_of_plus = {0, 0, 1, 1};
  int32_t patience = 3;  ///< with 3 the adversaries' 8 epochs, of which they chose the fifth, are all that they want

  Finding finding(const char* title) const {
    const TemporaryFolder folder;
    const nlohmann::json data = {{"dataset", dataset}};
    for (const uint64_t seed : seeds) {
      const std::string base = run_name(dataset, spec(RunKind::base, seed));
      fake_run(folder, spec(RunKind::base, seed), thirty_times(base_texts()), 0.8, data);
      for (size_t i = 0; i < first.size(); ++i) {
        fake_run(folder, spec(RunKind::adversary, seed, 1e-3 * static_cast<double>(i + 1), base),
                 thirty_times(moved(2 * tvd[i], first[i])), 0.8,
                 {{"dataset", dataset}, {"tvd_factor", 0.5}, {"patience", patience}});
      }
      fake_perturbation(folder, spec(RunKind::perturbation, seed, 0, base),
                        thirty_times(moved(2 * plus, first_of_plus)), std::vector<float>(120, 0), data);
    }
    return judged_finding(folder, title);
  }
};

TEST_CASE("the per-instance adversary below the curve, or above it") {
  const char* title = "The per-instance adversary exaggerates";
  const Finding below = FakeGrids{}.finding(title);
  CHECK(below.verdict == Verdict::agrees);
  CHECK_HAS(below.reason, "n = 3: TVD of the curve minus that of the plus +0.003 (95% interval +0.003 to +0.003; ");
  CHECK(FakeGrids{.plus = 0.03F}.finding(title).verdict == Verdict::disagrees);
  const Finding one = FakeGrids{.seeds = {10}}.finding(title);
  CHECK(one.verdict == Verdict::cannot_be_told);
  CHECK(one.why ==
        "one seed; `notnot adversary --seed` with a seed of its own trains the adversaries of another base model");
  CHECK(FakeGrids{.dataset = "own"}.finding(title).verdict == Verdict::no_claim);
}

TEST_CASE("adversaries that would have gone on tell nothing about the curve") {
  for (const char* title : {"The per-instance adversary exaggerates", "The curve is convex"}) {
    CAPTURE(title);
    const Finding finding = FakeGrids{.patience = 4}.finding(title);
    CHECK(finding.verdict == Verdict::cannot_be_told);
    CHECK(
        finding.why ==
        "9 of 9 adversaries were stopped after fewer than the paper's 80 epochs; train longer (`--adversary-epochs`)");
  }
}

TEST_CASE("a curve that ends before the plus can confirm, but not refute; one that begins behind it tells nothing") {
  const char* title = "The per-instance adversary exaggerates";
  FakeGrids grids{.first = {{0, 1, 1, 1}, {1, 0, 1, 1}, {0, 0, 1, 1}}, .first_of_plus = {0, 0, 0, 0}};
  const Finding below = grids.finding(title);
  CHECK(below.verdict == Verdict::agrees);
  CHECK_HAS(below.reason, "Of seed 10 the curve ends at a JSD of 0.347, before the plus at 0.693: its end stands for");
  grids.plus = 0.05F;
  const Finding above = grids.finding(title);
  CHECK(above.verdict == Verdict::cannot_be_told);
  CHECK(above.why == "the curve ends before the plus; larger lambdas (`--lambdas`) may reach it");
  CHECK(FakeGrids{.first_of_plus = {1, 1, 1, 1}}.finding(title).why ==
        "the plus lies nearer to the base model than the whole curve");
}

TEST_CASE("the curve is convex, or concave") {
  const char* title = "The curve is convex";
  const Finding convex = FakeGrids{}.finding(title);
  CHECK(convex.verdict == Verdict::agrees);
  // In units of ln 2 / 4 the JSD are 1, 2 and 4: the chord's mean height is 0.023, the curve's
  // (0.0025 + 2 * 0.0245) / 3.
  CHECK_HAS(convex.reason, "n = 3: TVD of the chord minus that of the curve +0.006 (");
  CHECK(FakeGrids{.tvd = {0.001F, 0.044F, 0.045F}}.finding(title).verdict == Verdict::disagrees);
  const Finding sst = FakeGrids{.dataset = "sst"}.finding(title);
  CHECK(sst.verdict == Verdict::no_claim);
  CHECK_HAS(sst.claim, "an outlier");
}

}  // namespace
}  // namespace notnot
