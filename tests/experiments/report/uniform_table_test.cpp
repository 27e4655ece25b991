#include <doctest/doctest.h>

#include "experiments/report/uniform.h"
#include "tests/experiments/report/small_study.h"
#include "tests/support/input_error.h"

namespace notnot {
namespace {

using Row = std::vector<std::string>;

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

}  // namespace
}  // namespace notnot
