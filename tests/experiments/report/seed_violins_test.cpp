#include <doctest/doctest.h>

#include <array>

#include "experiments/report/seeds.h"
#include "tests/experiments/report/small_study.h"

namespace notnot {
namespace {

using Row = std::vector<std::string>;

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

}  // namespace
}  // namespace notnot
