#include "experiments/report/evidence.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/experiments/report/report_page.h"
#include "tests/support/fake_runs.h"

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
  CHECK(load_studies({run}).front().runs.front().evidence_mass == doctest::Approx(0.6));
  const std::string page = page_of({run}, out);
  check_well_formed(page);
  check_links(page, out / "report");
  CHECK(has(page, "<u>praise0</u></span> <span class=\"w12\""));
  CHECK(has(page, "70 % on evidence"));
  CHECK(has(page, "<td>1</td><td>60.0</td>"));
  CHECK(has(page, "praise0 (evidence)"));
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
  CHECK(evidence_table(study).rows == std::vector<Row>{{"Base", "2", "75.0 ± 21.2", "0.850 ± 0.071"},
                                                       {"Uniform", "1", "50.0", "0.700"},
                                                       {"Per-instance adversary", "1", "20.0", "-"}});
  CHECK_FALSE(evidence_figure(load_studies({fake_run(folder, "sst-run")}).front()));
}

}  // namespace
}  // namespace notnot
