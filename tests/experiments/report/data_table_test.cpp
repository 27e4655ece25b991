#include <doctest/doctest.h>

#include "experiments/report/data.h"
#include "experiments/report/measures.h"
#include "tests/experiments/report/small_study.h"
#include "tests/support/input_error.h"

namespace notnot {
namespace {

using Row = std::vector<std::string>;

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

}  // namespace
}  // namespace notnot
