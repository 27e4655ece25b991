#include "experiments/report/definitions.h"

#include <doctest/doctest.h>

#include "tests/experiments/report/report_page.h"
#include "tests/experiments/report/small_study.h"
#include "tests/support/input_error.h"

namespace notnot {
namespace {

const std::string kJsd = "<a class=\"term\" href=\"#definition-jsd\">JSD</a>";

TEST_CASE("a link to a definition, and no link to a term without one") {
  CHECK(defined("JSD") == kJsd);
  CHECK(defined("exclusivity curve", "<curve>") ==
        "<a class=\"term\" href=\"#definition-exclusivity-curve\">&lt;curve&gt;</a>");
  CHECK_THROWS_WITH_AS(defined("no such term"), doctest::Contains("'no such term' has no definition"), Error);
}

TEST_CASE("the first mention of a term is a link, where it is a word of its own") {
  CHECK(with_definitions("JSD & JSD") == kJsd + " &amp; JSD");
  CHECK(with_definitions("JSDs, xJSD, JSD-like, non-JSD, \u03bbJSD") == "JSDs, xJSD, JSD-like, non-JSD, \u03bbJSD");
  CHECK(with_definitions("(JSD)") == "(" + kJsd + ")");
  CHECK(with_definitions("Exact adversary, exact Adversary") ==
        "<a class=\"term\" href=\"#definition-exact-adversary\">Exact adversary</a>, exact Adversary");
  CHECK(with_definitions("jsd JS") == "jsd JS");
  CHECK(with_definitions("") == "");
}

TEST_CASE("the section has the terms that the page leads to, and no others") {
  CHECK(definitions_html("<p>JSD, #definition-jsd</p>").empty());
  const std::string html = definitions_html("<p>" + defined("exclusivity curve") + "</p>");
  CHECK_HAS(html, "<h2 id=\"definitions\">Definitions</h2>");
  // The curve's definition speaks of the exact adversary, and that one's of the JSD.
  for (const char* id : {"exclusivity-curve", "exact-adversary", "jsd"}) {
    CHECK_HAS(html, "<div id=\"definition-" + std::string(id) + "\">");
  }
  CHECK(html.find("<div id=\"definition-roc-auc\">") == std::string::npos);
  CHECK(html.find("href=\"#definition-exclusivity-curve\"") == std::string::npos);  // no link to itself
}

TEST_CASE("every link to a definition has its end on the page") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8);
  fake_perturbation(folder, spec(RunKind::perturbation, 10, 0, kBaseName), moved(0.02F, {0, 0, 0, 1}), {0, 0, 0, 0});
  const TemporaryFolder out;
  const std::string page = page_of({folder.path()}, out);
  CHECK_HAS(page, "<li><a href=\"#definitions\">Definitions</a></li>");
  CHECK(count(page, "href=\"#definition-") > 3);
  check_well_formed(page);
  check_links(page, out / "report");
}

}  // namespace
}  // namespace notnot
