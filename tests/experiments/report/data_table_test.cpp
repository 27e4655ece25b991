#include <doctest/doctest.h>

#include "engine/io/files.h"
#include "experiments/report/data.h"
#include "experiments/report/exhibits.h"
#include "experiments/report/measures.h"
#include "experiments/report/report_folder.h"
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

/// The section on the data of the study in `folder`, as HTML.
std::string data_section(const TemporaryFolder& folder) {
  const TemporaryFolder out;
  ReportFolder report(out / "report", false);
  return data_part().section(only_study(folder), Exhibits(report)).html;
}

TEST_CASE("what differs from the paper: epochs, units, precision, the start and the choice of the epoch") {
  const auto section = [](nlohmann::json changes) {
    const TemporaryFolder folder;
    changes.update(choices_of(spec(RunKind::base)));
    fake_run(folder, "run", changes, base_texts());
    return data_section(folder);
  };
  const std::string trained = "Trained for ";
  CHECK(section({}).find(trained) == std::string::npos);
  CHECK_HAS(section({{"epochs", 9}}), "Trained for 9 epochs with 128 hidden units; the paper&#39;s models: 8 and 128.");
  CHECK_HAS(section({{"hidden", 64}}), "Trained for 8 epochs with 64 hidden units; the paper&#39;s models: 8 and 128.");
  CHECK_HAS(section({}), "<h4>What differs from the paper</h4>");
  CHECK_HAS(section({}),
            "Word embeddings start at random (normal distribution), 300 wide: no word vectors were given. The "
            "paper starts from fastText&#39;s vectors (simple-wiki, 300 wide). Expect a lower F1");
  CHECK_HAS(
      section({{"paths", {{"vectors", "v/wiki.vec"}}}, {"vectors_checksum", "ab"}, {"embed", 100}}),
      "Word embeddings start from <code>wiki.vec</code>, 100 wide, which has 11,171 of the 13,826 words. The paper "
      "starts from fastText&#39;s vectors (simple-wiki, 300 wide).</li>");
  CHECK_HAS(section({{"paths", {{"init", "s.safetensors"}}}, {"init_checksum", "ab"}}),
            "All parameters, the embeddings too, start from <code>s.safetensors");
  CHECK_HAS(section({{"dataset", "diabetes"}}), "The paper starts from word2vec vectors trained on the notes.");
  CHECK_HAS(section({{"dataset", "anemia"}}), "The paper starts from word2vec vectors trained on the notes.");
  const std::string own = section({{"dataset", "own"}, {"epochs", 3}});
  CHECK_HAS(own, "<h4>How the epoch was chosen</h4>");
  CHECK(own.find(trained) == std::string::npos);
  CHECK(own.find("Word embeddings") == std::string::npos);
  CHECK_HAS(own, "as in the paper&#39;s released code. This leaks");
  CHECK(section({}).find("The test split is not") == std::string::npos);
  CHECK_HAS(section({{"dataset", "imdb"}}), "863 + 862 texts here, 2,184 + 2,172 there.");
  CHECK(section({}).find("SYNTHETIC") == std::string::npos);
  CHECK_HAS(section({{"synthetic", true}}), "<b>SYNTHETIC texts</b>");
}

TEST_CASE("a remark that holds for some runs only names them; adversaries have none") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8);
  fake_run(folder, spec(RunKind::uniform), base_texts(), 0.8, {{"epochs", 3}});
  fake_run(folder, spec(RunKind::trained_mlp), base_texts(), 0.8, {{"epochs", 3}});
  fake_run(folder, spec(RunKind::adversary, 10, 1e-3, kBaseName), base_texts(), 0.8, {{"epochs", 12}});
  const std::string html = data_section(folder);
  CHECK_HAS(html, "<li><b>Uniform and Trained MLP:</b> Trained for 3 epochs");
  CHECK(html.find("Trained for 12") == std::string::npos);
  CHECK_HAS(html, "<li>Word embeddings start at random");  // all of them, so nobody is named
}

TEST_CASE("Table 1 of a corpus that the paper does not have") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8, {{"dataset", "own"}});
  const ResultTable table = data_table(only_study(folder));
  CHECK(table.header == Row{"Split", "negative", "positive"});
  CHECK(table.rows[1] == Row{"dev", "397", "424"});
  CHECK(table.note == "Data: own.");
  const TemporaryFolder published;
  fake_run(published, spec(RunKind::base), base_texts(), 0.8, {{"dataset", "agnews"}});
  CHECK(data_table(only_study(published)).header ==
        Row{"Split", "world", "business", "Paper's world", "Paper's business"});
  CHECK_HAS(data_table(only_study(published)).note, "Mean length in the paper: 36 words.");
}

TEST_CASE("an epoch that the development split chose") {
  const TemporaryFolder folder;
  const auto path = fake_run(folder, spec(RunKind::base), base_texts(), 0.8, {{"select", "dev"}});
  const RunFolder run(path);
  nlohmann::json result = to_json(run.result());
  result["selected_on"] = "dev";
  write_atomically(run.result_path(), result.dump());
  const std::string html = data_section(folder);
  CHECK_HAS(html,
            "The epoch shown is the one with the best ROC-AUC on the dev split. The paper&#39;s released code takes "
            "the best on the test split");
  CHECK(html.find("This leaks") == std::string::npos);
  CHECK_HAS(conditions(only_study(folder)), "Epoch chosen by the dev split's ROC-AUC.");
}

}  // namespace
}  // namespace notnot
