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

}  // namespace
}  // namespace notnot
