#include <doctest/doctest.h>

#include <array>

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
  CHECK_HAS(judged_finding(folder, "What attention adds").reason,
            "F1: Base 0.850 ± 0.071 (n = 2), Uniform 0.650 ± 0.071 (n = 2).");
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

/// What attention adds on `dataset`, from runs of three seeds with these F1. All have the same predictions.
Finding gain(const std::string& dataset, const std::array<double, 3>& base, const std::array<double, 3>& uniform) {
  const TemporaryFolder folder;
  const std::array<uint64_t, 3> seeds = {10, 2, 50};
  for (size_t i = 0; i < seeds.size(); ++i) {
    fake_run(folder, spec(RunKind::base, seeds.at(i)), base_texts(), base.at(i), {{"dataset", dataset}});
    fake_run(folder, spec(RunKind::uniform, seeds.at(i)), base_texts(), uniform.at(i), {{"dataset", dataset}});
  }
  return judged_finding(folder, "What attention adds");
}

TEST_CASE("on Diabetes, Anemia and IMDb the paper claims a gain") {
  for (const char* dataset : {"imdb", "diabetes", "anemia"}) {
    CAPTURE(dataset);
    const Finding helps = gain(dataset, {0.80, 0.82, 0.84}, {0.70, 0.73, 0.76});  // 0.10, 0.09, 0.08
    CHECK(helps.verdict == Verdict::agrees);
    CHECK_HAS(helps.claim, "Attention helps on this data set");
    // p = 2 scipy.stats.t.sf(.09 / (.01 / 3**.5), 2); of F1 and ROC-AUC, so Holm doubles it.
    CHECK_HAS(
        helps.reason,
        "n = 3: Base minus Uniform +0.090 (95% interval +0.065 to +0.115; error of seeds 0.006, "
        "of texts 0.000; p = 0.004, Holm's p = 0.008).\nBy ROC-AUC: cannot be told. n = 3: Base minus Uniform 0.000 (");
    CHECK(helps.reason.ends_with("\nF1: Base 0.820 ± 0.020 (n = 3), Uniform 0.730 ± 0.030 (n = 3)."));
    CHECK(gain(dataset, {0.70, 0.73, 0.76}, {0.80, 0.82, 0.84}).verdict == Verdict::disagrees);
    const Finding untold = gain(dataset, {0.80, 0.82, 0.84}, {0.80, 0.83, 0.80});  // 0, -0.01, 0.04
    CHECK(untold.verdict == Verdict::cannot_be_told);
    CHECK_HAS(untold.reason,
              "Base minus Uniform is known to within 0.066, which is too little to tell its side of zero.");
  }
}

TEST_CASE("on SST and the news sets it claims little to no improvement") {
  for (const char* dataset : {"sst", "agnews", "20news"}) {
    CAPTURE(dataset);
    const Finding equal = gain(dataset, {0.802, 0.803, 0.804}, {0.80, 0.80, 0.80});
    CHECK(equal.verdict == Verdict::agrees);
    CHECK_HAS(equal.claim, "base and uniform differ by at most 0.01");
    CHECK((equal.claim.find("no test case") != std::string::npos) == (std::string(dataset) != "sst"));
    CHECK_HAS(equal.reason, "Base minus Uniform +0.003 (90% interval +0.001 to +0.005; ");
    CHECK(gain(dataset, {0.83, 0.832, 0.834}, {0.80, 0.80, 0.80}).verdict == Verdict::disagrees);
    CHECK(gain(dataset, {0.80, 0.82, 0.84}, {0.80, 0.83, 0.80}).verdict == Verdict::cannot_be_told);
  }
}

TEST_CASE("on a data set that the paper does not have the difference is shown without a verdict") {
  const Finding own = gain("own", {0.80, 0.82, 0.84}, {0.70, 0.73, 0.76});
  CHECK(own.verdict == Verdict::no_claim);
  CHECK(own.claim.empty());
  CHECK_HAS(own.reason,
            "n = 3: Base minus Uniform +0.090 (95% interval +0.065 to +0.115; error of seeds 0.006, "
            "of texts 0.000).\nBy ROC-AUC: n = 3: Base minus");
}

}  // namespace
}  // namespace notnot
