#include "experiments/report/exclusivity.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "experiments/report/frontier.h"
#include "experiments/report/perturbation.h"
#include "tests/experiments/report/report_page.h"
#include "tests/experiments/report/small_study.h"
#include "tests/support/input_error.h"

namespace notnot {
namespace {

using Row = std::vector<std::string>;

/// Of base_texts, whose first two are predicted positive: p is 0.9, 0.8, 0.3, 0.1. All JSD are `more` higher.
ExactAdversaries some_exact(float more = 0) {
  ExactAdversaries exact{.epsilon = {0.01, 0.05},
                         .jsd = {0.1F, 0.2F, 0.3F, 0.4F, 0.4F, 0.22F, 0.6F, 0.65F},
                         .probability = {0.91F, 0.79F, 0.3F, 0.11F, 0.94F, 0.764F, 0.332F, 0.064F},
                         .word = std::vector<int32_t>(16, 0),
                         .weight = {}};
  for (float& jsd : exact.jsd) jsd += more;
  for (int i = 0; i < 8; ++i) exact.weight.insert(exact.weight.end(), {1, 0});
  return exact;
}

void add_base(const TemporaryFolder& folder, uint64_t seed) {
  fake_run(folder, spec(RunKind::base, seed), base_texts(), 0.8);
}

void add_perturbation(const TemporaryFolder& folder, uint64_t seed, const ExactAdversaries& exact) {
  // The search moves two of the four texts, each to a JSD of kHalfway = 0.216.
  fake_perturbation(folder, spec(RunKind::perturbation, seed, 0, fmt::format("sst-lstm-learned-seed{}", seed)),
                    moved(0.02F, {1, 0.5F, 0.5F, 1}), {0, 0, 0, 0}, {}, exact);
}

TEST_CASE("the exclusivity curve of one base model: means, quartiles, and an interval over the texts") {
  const TemporaryFolder folder;
  add_base(folder, 10);
  add_perturbation(folder, 10, some_exact());
  const LoadedStudy study = only_study(folder);
  const auto all = exclusivity_curve(study), negative = exclusivity_curve(study, 0),
             positive = exclusivity_curve(study, 1);
  REQUIRE(all.size() == 2);
  CHECK(all[0].epsilon == 0.01);
  CHECK(all[0].jsd == doctest::Approx(0.25));
  CHECK(all[1].jsd == doctest::Approx(0.4675));
  CHECK(negative[0].jsd == doctest::Approx(0.35));
  CHECK(positive[1].jsd == doctest::Approx(0.31));
  // TVD: half of |p' - p|, of the changes that are made.
  CHECK(all[0].tvd == doctest::Approx(0.5 * (0.01 + 0.01 + 0 + 0.01) / 4));
  CHECK(positive[1].tvd == doctest::Approx(0.5 * (0.04 + 0.036) / 2));
  CHECK(all[0].quantiles[0] == doctest::Approx(0.175));
  CHECK(all[0].quantiles[1] == doctest::Approx(0.25));
  CHECK(all[0].quantiles[2] == doctest::Approx(0.325));
  // The standard deviation of the four is 0.1291; t of 3 degrees of freedom is 3.182. The bootstrap's error is 1.6 %.
  const double half = 3.182 * 0.1291 / 2;
  CHECK(all[0].interval.high - all[0].jsd == doctest::Approx(half).epsilon(0.06));
  CHECK(all[0].jsd - all[0].interval.low == doctest::Approx(half).epsilon(0.06));
  const ResultTable table = exclusivity_table(study);
  REQUIRE(table.rows.size() == 6);
  CHECK(table.rows[3][0] == "predicted negative");
  CHECK(table.rows[0][2] == "0.250");
  CHECK(table.rows[0].back() == "0.0038");
  CHECK_HAS(table.note, "One base model: intervals are over the texts alone");
}

TEST_CASE("the exclusivity curve of several base models: means over them, and an interval over seeds and texts") {
  const TemporaryFolder folder;
  for (const uint64_t seed : {10, 2, 50}) add_base(folder, seed);
  add_perturbation(folder, 10, some_exact());
  add_perturbation(folder, 2, some_exact(0.03F));
  const LoadedStudy two = only_study(folder);
  CHECK(exclusivity_curve(two)[0].jsd == doctest::Approx(0.265));
  CHECK_HAS(exclusivity_table(two).note, "Means over 2 base models: too few for an interval over seeds");
  const double over_texts = exclusivity_curve(two)[0].interval.high - exclusivity_curve(two)[0].jsd;
  add_perturbation(folder, 50, some_exact(-0.03F));
  const LoadedStudy three = only_study(folder);
  const ExclusivityPoint point = exclusivity_curve(three)[0];
  CHECK(point.jsd == doctest::Approx(0.25));
  CHECK(point.quantiles[1] == doctest::Approx(0.25));
  CHECK(point.interval.high - point.jsd >= over_texts * 0.99);  // the texts differ as before
  CHECK_HAS(exclusivity_table(three).note, "Means over 3 base models: intervals are over seeds and texts.");
}

TEST_CASE("a base model of other changes does not count, nor does one whose run is not there") {
  const TemporaryFolder folder;
  for (const uint64_t seed : {10, 2}) add_base(folder, seed);
  ExactAdversaries other = some_exact(0.03F);
  other.epsilon[0] = 0.02;
  add_perturbation(folder, 10, some_exact());
  add_perturbation(folder, 2, other);
  add_perturbation(folder, 50, some_exact(0.03F));
  CHECK(exclusivity_curve(only_study(folder))[0].jsd == doctest::Approx(0.25));
}

TEST_CASE("a class that no text is predicted to have has no numbers and no points") {
  const TemporaryFolder folder;
  std::vector<FakeText> texts = base_texts();
  for (FakeText& text : texts) text.probability = 0.9F;
  fake_run(folder, spec(RunKind::base), texts, 0.8);
  add_perturbation(folder, 10, some_exact());
  const LoadedStudy study = only_study(folder);
  CHECK(std::isnan(exclusivity_curve(study, 0)[0].jsd));
  CHECK(exclusivity_table(study).rows[2] == Row{"predicted negative", "0.01", "-", "-", "-", "-", "-", "-"});
  const auto figure = exclusivity_figure(study);
  CHECK(figure->of_class[0].empty());
  CHECK(figure->of_class[1].size() == 2);
}

TEST_CASE("Jain and Wallace's search beside the optimum: in Figure 3, in Figure 5, and as a share") {
  const TemporaryFolder folder;
  add_base(folder, 10);
  add_perturbation(folder, 10, some_exact());
  const LoadedStudy study = only_study(folder);
  const auto score = search_score(study);
  REQUIRE(score);
  CHECK(score->searched == doctest::Approx(kHalfway / 2));
  CHECK(score->exact == doctest::Approx(0.4675));
  CHECK(score->texts_below == doctest::Approx(0.75));  // of the second, 0.216 of 0.22 is within a tenth
  CHECK(exact_violins(study)->divergence[2] == doctest::Approx(0.6));
  CHECK(perturbation_table(study).rows[3] == Row{"Exact adversary, JSD", "0.468", "0.500", "0.625", "0.310"});
  CHECK(perturbation_table(study).rows[4] == Row{"Exact adversary, TVD", "0.018", "0.018", "0.017", "0.019"});
  CHECK(exclusivity_figure(study)->searched.front().y == doctest::Approx(kHalfway / 2));
  fake_run(folder, spec(RunKind::adversary, 10, 1e-3, kBaseName), moved(0.02F, {0, 0, 0, 0}), 0.8);
  const auto points = frontier(only_study(folder), 1)->exact;
  REQUIRE(points.size() == 2);
  CHECK(points[1].label == "\u03b5 0.05");
  CHECK(points[1].x == doctest::Approx(0.31));
  CHECK(points[1].y == doctest::Approx(0.019));
}

TEST_CASE("the page shows the curve; without exact adversaries it says how to get them") {
  const TemporaryFolder folder, out;
  add_base(folder, 10);
  add_perturbation(folder, 10, {});
  const LoadedStudy study = only_study(folder);
  CHECK(exclusivity_curve(study).empty());
  CHECK_FALSE(exclusivity_figure(study));
  CHECK_FALSE(search_score(study));
  CHECK_FALSE(exact_violins(study));
  CHECK(perturbation_table(study).rows.size() == 3);
  CHECK_HAS(page_of({folder.path()}, out), "Remove the folder <code>sst-perturbation-seed10</code>");
  std::filesystem::remove_all(folder / "sst-perturbation-seed10");
  add_perturbation(folder, 10, some_exact());
  const std::string page = page_of({folder.path()}, out);
  CHECK(page.find("Remove the folder") == std::string::npos);
  CHECK_HAS(page, "The search reaches a mean JSD of 0.108 where 0.468 is possible: its <a class=\"term\"");
  CHECK_HAS(page, "is 23%. On 75% of the texts its JSD is a tenth or more below the exact one.");
  check_well_formed(page);
  check_links(page, out / "report");
}

}  // namespace
}  // namespace notnot
