#include <doctest/doctest.h>

#include "experiments/report/report_folder.h"
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

TEST_CASE("Table 2: with other seeds in one row than in the other, also the means over those that both have") {
  const TemporaryFolder folder, out;
  for (const uint64_t seed : {10, 2, 50, 7}) fake_run(folder, spec(RunKind::base, seed), base_texts(), 0.8);
  fake_run(folder, spec(RunKind::base, 2), base_texts(), 0.9);
  fake_run(folder, spec(RunKind::uniform), base_texts(), 0.7);
  fake_run(folder, spec(RunKind::uniform, 2), base_texts(), 0.6);
  const auto cells = [](const ResultTable& table) {
    std::vector<Row> rows;
    for (const Row& row : table.rows) rows.emplace_back(row.begin(), row.begin() + 3);
    return rows;
  };
  const ResultTable table = attention_table(only_study(folder));
  CHECK(cells(table) == std::vector<Row>{{"Base", "10", "0.800"},
                                         {"Base", "mean of 4", "0.825 ± 0.050"},
                                         {"Base", "mean of 2 in common", "0.850 ± 0.071"},
                                         {"Uniform", "10", "0.700"},
                                         {"Uniform", "mean of 2", "0.650 ± 0.071"}});
  CHECK_HAS(table.note, "Base: seeds 10, 2, 7 and 50. Uniform: seeds 10 and 2. In common: seeds 10 and 2; compare the");
  const Finding finding = uniform_part().findings.front()(only_study(folder));
  CHECK_HAS(finding.reason, "F1: Base 0.850 ± 0.071 (n = 2), Uniform 0.650 ± 0.071 (n = 2). ");
  // A single common seed that is not the base seed has a row of its own; the base seed has one anyway.
  const TemporaryFolder other;
  fake_run(other, spec(RunKind::base), base_texts(), 0.8);
  fake_run(other, spec(RunKind::base, 2), base_texts(), 0.9);
  fake_run(other, spec(RunKind::uniform, 2), base_texts(), 0.6);
  CHECK(cells(attention_table(only_study(other))) == std::vector<Row>{{"Base", "10", "0.800"},
                                                                      {"Base", "mean of 2", "0.850 ± 0.071"},
                                                                      {"Base", "2 in common", "0.900"},
                                                                      {"Uniform", "2", "0.600"}});
}

TEST_CASE("Table 2: every measure in its column; without the paper's numbers, without its columns") {
  const TemporaryFolder folder, out;
  fake_run(folder, "base", nlohmann::json::object(), base_texts(), {0.81, 0.72, 0.93, 0.64});
  fake_run(folder, "uniform", kUniform, base_texts(), {0.80, 0.71, 0.92, 0.63});
  CHECK(attention_table(only_study(folder)).rows ==
        std::vector<Row>{{"Base", "10", "0.810", "0.831", "-0.021", "0.930", "0.720", "0.810"},
                         {"Uniform", "10", "0.800", "0.822", "-0.022", "0.920", "0.710", "-"}});
  ReportFolder report(out / "report", false);
  CHECK_HAS(uniform_part().section(only_study(folder), Exhibits(report)).html,
            "<th scope=\"row\" class=\"l\">Base - Uniform");
  const TemporaryFolder own;
  fake_run(own, "base", {{"dataset", "own"}}, base_texts(), {0.81, 0.72, 0.93, 0.64});
  const ResultTable table = attention_table(only_study(own));
  CHECK(table.header == Row{"Attention", "Seed", "F1", "ROC-AUC", "Accuracy"});
  CHECK(table.rows == std::vector<Row>{{"Base", "10", "0.810", "0.930", "0.720"}});
  CHECK_HAS(table.note, "The paper has no numbers for this data set.");
}

}  // namespace
}  // namespace notnot
