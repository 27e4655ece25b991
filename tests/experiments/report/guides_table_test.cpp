#include <doctest/doctest.h>

#include "experiments/report/guides.h"
#include "experiments/report/model_groups.h"
#include "experiments/report/report_folder.h"
#include "tests/experiments/report/small_study.h"

namespace notnot {
namespace {

using Row = std::vector<std::string>;

TEST_CASE("Table 3: the guides in the paper's order") {
  const TemporaryFolder folder;
  const RunSpec adversary = spec(RunKind::adversary, 10, 1e-3, kBaseName);
  fake_run(folder, spec(RunKind::guided_mlp, 10, 0, run_name("sst", adversary)), base_texts(), 0.5);
  fake_run(folder, spec(RunKind::guided_mlp, 10, 0, kBaseName), base_texts(), 0.8);
  fake_run(folder, spec(RunKind::guided_mlp, 10, 0, "my <weights>"), base_texts(), 0.6,
           {{"paths", {{"attention", "x.jsonl"}}}});
  fake_run(folder, spec(RunKind::trained_mlp), base_texts(), 0.7);
  fake_run(folder, spec(RunKind::uniform_mlp), base_texts(), 0.65);
  const LoadedStudy study = only_study(folder);
  std::vector<std::string> names;
  for (const ModelGroup& group : guide_groups(study)) names.push_back(group.name);
  CHECK(names == Row{"Uniform", "Trained MLP", "Base LSTM", "Adversary, λ = 0.001", "my <weights> (from elsewhere)"});
  const ResultTable table = guide_table(study);
  CHECK(table.rows[3] == Row{"Adversary, λ = 0.001", "10", "0.500", "0.592", "-0.092", "0.900", "0.800"});
  CHECK(table.rows[2][3] == "0.824");
  CHECK(table.rows[4][3] == "-");
}

TEST_CASE("Table 3 has the paper's columns only where the paper has the numbers") {
  const auto table = [](const std::string& dataset) {
    const TemporaryFolder folder;
    fake_run(folder, spec(RunKind::uniform_mlp), base_texts(), 0.8, {{"dataset", dataset}});
    return guide_table(only_study(folder));
  };
  CHECK(table("imdb").header == Row{"Guide", "Seed", "F1", "Paper's F1", "Difference", "ROC-AUC", "Accuracy"});
  CHECK(table("imdb").rows[0] == Row{"Uniform", "10", "0.800", "0.863", "-0.063", "0.900", "0.800"});
  CHECK(table("agnews").header == Row{"Guide", "Seed", "F1", "ROC-AUC", "Accuracy"});  // in Table 2 alone
  CHECK(table("own").header == Row{"Guide", "Seed", "F1", "ROC-AUC", "Accuracy"});
}

TEST_CASE("each guide is compared with the one above it") {
  const TemporaryFolder folder, out;
  fake_run(folder, spec(RunKind::uniform_mlp), base_texts(), 0.6);
  fake_run(folder, spec(RunKind::trained_mlp), base_texts(), 0.7);
  fake_run(folder, spec(RunKind::guided_mlp, 10, 0, kBaseName), base_texts(), 0.8);
  ReportFolder report(out / "report", false);
  const std::string html = guides_part().section(only_study(folder), Exhibits(report)).html;
  const size_t first = html.find("Trained MLP - Uniform"), second = html.find("Base LSTM - Trained MLP");
  CHECK(first != std::string::npos);
  CHECK(second != std::string::npos);
  CHECK(first < second);
}

}  // namespace
}  // namespace notnot
