#include "experiments/report/evidence.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "tests/experiments/report/report_page.h"
#include "tests/support/fake_runs.h"
#include "tests/support/input_error.h"
#include "tests/support/run_damage.h"

namespace notnot {
namespace {

using Json = nlohmann::json;
using Path = std::filesystem::path;

TEST_CASE("on the planted corpus evidence is marked and its attention summed") {
  const TemporaryFolder folder, out;
  const std::vector<FakeText> texts = {{"praise0 word1 blame3", 1, 0.9F, {0.5F, 0.3F, 0.2F}},
                                       {"word2 blame1 chatter0", 0, 0.1F, {0.5F, 0.5F, 0}}};
  Json changes = {{"dataset", "planted"}};
  const Path run = fake_run(folder, "a", changes, texts);
  CHECK(load_studies({run}).front().runs.front().attention_scores.precision == doctest::Approx(0.6));
  const std::string page = page_of({run}, out);
  check_well_formed(page);
  check_links(page, out / "report");
  CHECK(has(page, "<u>praise0</u></span> <span class=\"w12\""));
  CHECK(has(page, "70 % on evidence"));
  CHECK(has(page, "<td>1</td><td>60.0</td>"));
  CHECK(has(page, "praise0 (evidence)"));
  CHECK(
      has(page, "These runs are of an earlier version, which did not try the models on texts without their evidence."));
  CHECK(count(page, "<u>") == 4);  // three words and the legend
  CHECK(std::filesystem::exists(out / "report" / "tables" / "planted-evidence.csv"));

  changes["corpus"] = "csv";  // a file of the user's own
  CHECK_FALSE(has(page_of({fake_run(folder, "b", changes, texts)}, out), "<u>"));
}

TEST_CASE("F1 and evidence: the mean over a model's runs, with the deviation of each along its axis") {
  const TemporaryFolder folder;
  const Json planted = {{"dataset", "planted"}};
  const auto texts = [](float share) {
    return std::vector<FakeText>{{"praise0 word1", 1, 0.9F, {share, 1 - share}},
                                 {"word2 blame1", 0, 0.1F, {1 - share, share}}};
  };
  const std::string base = run_name("planted", spec(RunKind::base));
  fake_run(folder, spec(RunKind::base), texts(0.6F), 0.8, planted);
  fake_run(folder, spec(RunKind::base, 2), texts(0.9F), 0.9, planted);
  fake_run(folder, spec(RunKind::uniform), texts(0.5F), 0.7, planted);
  fake_perturbation(folder, spec(RunKind::perturbation, 10, 0, base), texts(0.2F), {0.1F, 0.2F}, planted);
  const LoadedStudy study = load_studies({folder.path()}).front();
  const auto figure = evidence_figure(study);
  REQUIRE(figure);
  REQUIRE(figure->models.size() == 2);
  const FigurePoint &of_base = figure->models[0], &of_uniform = figure->models[1];
  CHECK(of_base.label == "Base");
  CHECK(of_base.x == doctest::Approx(0.75));
  CHECK(of_base.y == doctest::Approx(0.85));
  CHECK(of_base.x_error == doctest::Approx(0.3 / std::sqrt(2.0)));
  CHECK(of_base.y_error == doctest::Approx(0.1 / std::sqrt(2.0)));
  CHECK(of_uniform.label == "Uniform");
  CHECK(of_uniform.x == doctest::Approx(0.5));
  CHECK(of_uniform.y == doctest::Approx(0.7));
  CHECK(std::isnan(of_uniform.x_error));
  CHECK(std::isnan(of_uniform.y_error));
  using Row = std::vector<std::string>;
  CHECK(evidence_table(study).rows ==
        std::vector<Row>{{"Base", "2", "75.0 ± 21.2", "100.0 ± 0.0", "1.000 ± 0.000", "0.850 ± 0.071"},
                         {"Uniform", "1", "50.0", "100.0", "0.000", "0.700"},
                         {"Per-instance adversary", "1", "20.0", "0.0", "-1.000", "-"},
                         {"Chance: equal weights", "-", "50.0", "100.0", "0.000", "-"},
                         {"The rule itself", "-", "100.0", "100.0", "1.000", "1.000"}});
  CHECK(figure->chance == doctest::Approx(0.5));
  CHECK(reliance_table(study).rows.empty());
  CHECK_FALSE(evidence_figure(load_studies({fake_run(folder, "sst-run")}).front()));
}

Json variant(const char* evidence) {
  return {{"dataset", "planted"}, {"difficulty", 0.25}, {"corpus_seed", 1}, {"evidence", evidence}};
}

TEST_CASE("importance follows the rule of the corpus, and depends on the text") {
  const TemporaryFolder folder;
  // `not` counts only directly before the evidence; the label of the second text is noise.
  const std::vector<FakeText> texts = {{"not praise0 word1 word2", 0, 0.1F, {0.3F, 0.4F, 0.2F, 0.1F}},
                                       {"not word1 praise0 word2", 0, 0.9F, {0.3F, 0.4F, 0.2F, 0.1F}}};
  const LoadedStudy study = load_studies({fake_run(folder, "a", variant("negated"), texts)}).front();
  CHECK(study.importance == std::vector<double>{0, 0.5, 0.5, 0, 0, 0, /**/ 0, 0, 0, 1, 0, 0});
  CHECK(study.rule_probability == std::vector<float>{0, 1});
  CHECK(study.runs.front().attention_scores.precision == doctest::Approx((0.7 + 0.2) / 2));
  CHECK(study.runs.front().attention_scores.recall == doctest::Approx(0.5));  // 0.25 is the equal share
  CHECK(study.title() == "the planted corpus (evidence negated)");
  CHECK(evidence_table(study).rows.back().back() == "0.000");  // the rule has no text of class 1 right
  const std::string page = page_of({folder / "a"}, folder);
  CHECK(has(page, "<u>not</u>"));
  CHECK(has(page, "the planted corpus (evidence negated)"));
}

TEST_CASE("a word that models cannot know has no importance, and a rule that needs it cannot tell") {
  const TemporaryFolder folder;
  const auto run = fake_run(folder, "a", variant("conjunction"), {{"praise0 agree1 word1", 1, 0.9F, {0.5F, 0.5F, 0}}});
  TextWords text = read_words(read_runs({run}).front(), {0}, {101}, {0, 5}).at(0);
  CHECK(text.truth.importance == std::vector<double>{0.5, 0.5, 0});
  CHECK(text.is_evidence(0));
  CHECK_FALSE(text.is_evidence(2));
  std::string line = read_file(run / "predictions.jsonl");
  const std::string none = "\"unknown\": []";
  REQUIRE(line.find(none) != line.npos);
  line.replace(line.find(none), none.size(), "\"unknown\": [1]");
  write_atomically(run / "predictions.jsonl", line);
  remove_checksums(RunFolder(run));
  text = read_words(read_runs({run}).front(), {0}, {101}, {0, 5}).at(0);
  CHECK(text.truth.importance == std::vector<double>{0, 0, 0});
  CHECK(text.truth.score == 0);
}

TEST_CASE("what a model uses stands beside what it points at") {
  const TemporaryFolder folder, out;
  const std::vector<FakeText> texts = {{"praise0 word1", 1, 0.9F, {0.75F, 0.25F}}, {"word2 blame1", 0, 0.1F, {1, 0}}};
  const Json planted = {{"dataset", "planted"}};
  const Path base = fake_run(folder, spec(RunKind::base), texts, 1, planted);
  fake_run(folder, spec(RunKind::uniform), texts, 1, planted);  // of an earlier version: no ablation
  RunWriter(RunFolder(base)).write_ablation({.without_evidence = {0.4F, 0.3F}, .without_others = {0.8F, 0.7F}});
  const LoadedStudy study = load_studies({folder.path()}).front();
  using Row = std::vector<std::string>;
  CHECK(reliance_table(study).rows ==
        std::vector<Row>{{"Base", "1", "37.5", "50.0", "50.0", "1.000", "0.000", "0.667"}});
  page_of({folder.path()}, out);
  CHECK(std::filesystem::exists(out / "report" / "tables" / "planted-reliance.csv"));
  RunWriter(RunFolder(base)).write_ablation({.without_evidence = {0.4F}, .without_others = {0.8F}});
  CHECK_THROWS_AS(load_studies({folder.path()}), InputError);
}

TEST_CASE("the models whose attention is known beforehand are named, with what was measured") {
  const TemporaryFolder folder;
  const std::vector<FakeText> texts = {{"praise0 word1", 1, 0.9F, {0.75F, 0.25F}}, {"word2 blame1", 0, 0.1F, {0, 1}}};
  const Json planted = {{"dataset", "planted"}};
  fake_run(folder, spec(RunKind::trained_mlp), texts, 1, planted);
  fake_run(folder, spec(RunKind::uniform), with_attention(texts, {{0.5F, 0.5F}, {0.5F, 0.5F}}), 1, planted);
  const std::string text = known_answers(load_studies({folder.path()}).front());
  CHECK_HAS(text, "its attention is its decision; it has 87.5 % on the evidence.");
  CHECK_HAS(text, "cannot be a decision: Uniform has 50.0 % on the evidence, which is chance.");
  const TemporaryFolder other;
  fake_run(other, "a", variant("order"), {{"praise0 word1 blame1", 1, 0.9F, {0.5F, 0.25F, 0.25F}}});
  CHECK_HAS(known_answers(load_studies({other / "a"}).front()),
            "no model is known whose attention must be its decision");
}

}  // namespace
}  // namespace notnot
