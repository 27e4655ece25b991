#include "experiments/report/evidence.h"

#include <doctest/doctest.h>

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

}  // namespace
}  // namespace notnot
