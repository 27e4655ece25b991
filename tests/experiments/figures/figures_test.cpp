#include "experiments/figures/figures.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <regex>
#include <set>
#include <thread>

#include "engine/io/files.h"
#include "engine/math/random.h"
#include "kernels/base/error.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

namespace notnot {
namespace {

using Path = std::filesystem::path;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

void need_gnuplot() {
  if (can_draw()) return;
  fmt::print("skipped: gnuplot is not installed (package gnuplot-nox)\n");
  std::exit(77);
}

/// 400 instances of both classes in all four bins.
ViolinFigure violins() {
  const Random random(1, Purpose::test_data);
  ViolinFigure figure;
  figure.title = "Seeds";
  for (uint64_t i = 0; i < 400; ++i) {
    figure.divergence.push_back(std::clamp<double>(0.2 + 0.15 * random.normal(2 * i), 0.0, std::numbers::ln2));
    figure.largest_attention.push_back(random.uniform(1000 + i, 0, 1));
    figure.predicted.push_back(static_cast<int32_t>(random.integer(2000 + i, 0, 1)));
  }
  return figure;
}

FrontierFigure frontier() {
  FrontierFigure figure{"Frontier", {}, {}, {{"", 0.3, 0.1}}, {{"", 0.6, 0.01}}};
  for (int i = 0; i < 9; ++i) {
    figure.adversaries.push_back({fmt::format("{}e-4", i), 0.07 * i, 0.002 * i * i});
    figure.seeds.push_back({"", 0.1 + 0.005 * i, 0.08 - 0.003 * i, 0.01, 0.01});
  }
  return figure;
}

EvidenceFigure evidence() {
  return {"Evidence", {{"base", 0.9, 0.99}, {"uniform", 0.1, 0.98}, {"seed 50", 0.905, 0.991, 0.01, kNaN}}};
}

/// Attention, a measure with a ceiling, and one without.
AgreementFigure agreement() {
  AgreementFigure figure;
  figure.title = "Agreement";
  figure.rows = {{"Attention", {}, {0.6, 0.55, 0.65}},
                 {"Input \u00d7 gradient, attention held", {0.3, 0.25, 0.375}, {0.4, 0.3, 0.45}},
                 {"<Random>", {-0.01, -0.02, 0.01}, {}}};
  figure.ceiling = figure.rows[0].ceiling;
  return figure;
}

template <class Figure>
std::string svg_of(const Figure& figure, const std::string& alt_text = "A figure.") {
  return draw(figure, alt_text).svg;
}

std::vector<std::string> all_matches(const std::string& text, const std::string& pattern) {
  const std::regex expression(pattern);
  std::vector<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), expression), end; it != end; ++it) found.push_back((*it)[1]);
  return found;
}

/// Why `svg` is not one well-formed element; empty if it is one.
std::string malformed(const std::string& svg) {
  std::vector<std::string> open;
  size_t after = 0, elements = 0;
  for (const auto& tag : std::vector<std::string>(all_matches(svg, "<([^>]*)>"))) {
    const size_t at = svg.find('<' + tag + '>', after);
    const std::string text = svg.substr(after, at - after);
    if (!std::regex_match(text, std::regex("([^&<]|&(amp|lt|gt|quot|apos|#[0-9]+);)*"))) return "text: " + text;
    after = at + tag.size() + 2;
    const std::string name = tag.substr(0, tag.find_first_of(" \n\t"));
    if (name.starts_with('/')) {
      if (open.empty() || "/" + open.back() != name) return "closing " + name;
      open.pop_back();
      continue;
    }
    if (open.empty() && ++elements > 1) return "a second element: " + name;
    static const std::regex attributes(R"([A-Za-z]+(\s+[A-Za-z0-9:-]+\s*=\s*("[^"<]*"|'[^'<]*'))*\s*/?)");
    if (!std::regex_match(tag, attributes)) return "tag: " + tag;
    if (!tag.ends_with('/')) open.push_back(name);
  }
  if (!open.empty()) return "open " + open.back();
  const std::string rest = svg.substr(after);
  return rest.find_first_not_of(" \n") == std::string::npos ? "" : "after the end: " + rest;
}

void check_svg(const std::string& svg) {
  CHECK(malformed(svg) == "");
  CHECK(svg.starts_with("<svg role=\"img\" aria-label=\""));
  CHECK(all_matches(svg, "(viewBox=\"0 0 600 480\")").size() == 1);
  CHECK(all_matches(svg, "([^a-z]nan[^a-z])").empty());
  CHECK(all_matches(svg, "([^a-z]inf[^a-z])").empty());
  // Nothing in it runs or is loaded from elsewhere: the only addresses are the names of SVG and XLink.
  CHECK(all_matches(svg, "(<script|<image|<style|<foreignObject|<a |<title|<desc| on[a-z]+=)").empty());
  for (const std::string& address : all_matches(svg, "([a-z]+://[^\"' ]*)")) {
    CHECK(address.starts_with("http://www.w3.org/"));
  }
}

void check_pdf(const std::string& pdf) {
  CHECK(pdf.starts_with("%PDF-1."));
  CHECK_HAS(pdf, "%%EOF");
}

TEST_CASE("the check of SVGs finds what is wrong with one") {
  CHECK(malformed("<svg a='1'><g><path d=\"M1\"/></g>a &amp; b</svg>\n") == "");
  for (const char* wrong : {"<svg><g></svg>", "<svg>a & b</svg>", "<svg a=1></svg>", "<svg></svg><svg></svg>", "<svg>",
                            "<svg></svg>x", "<svg a='<'></svg>"}) {
    CAPTURE(wrong);
    CHECK(malformed(wrong) != "");
  }
}

TEST_CASE("each figure is a well-formed SVG and a PDF") {
  need_gnuplot();
  const auto check = [&](const DrawnFigure& drawn) {
    check_svg(drawn.svg);
    check_pdf(drawn.pdf);
  };
  check(draw(violins(), "Violins."));
  check(draw(frontier(), "A frontier."));
  check(draw(evidence(), "Evidence."));
  check(draw(agreement(), "Agreement."));
}

TEST_CASE("a figure has equal bytes at another time") {
  need_gnuplot();
  const DrawnFigure first = draw(frontier(), "A.");
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // a PDF holds the second of its creation
  const DrawnFigure second = draw(frontier(), "A.");
  CHECK(first.svg == second.svg);
  CHECK(first.pdf == second.pdf);
}

TEST_CASE("violins: counts by bin and class, the last bin holds 1") {
  need_gnuplot();
  ViolinFigure figure;
  figure.classes = {"sport", "news"};
  const auto add = [&](double attention, int32_t predicted, int count) {
    for (int i = 0; i < count; ++i) {
      figure.divergence.push_back(0.01 * i);
      figure.largest_attention.push_back(attention);
      figure.predicted.push_back(predicted);
    }
  };
  add(0, 0, 11), add(0.2499, 0, 1), add(0.25, 0, 13), add(0.5, 1, 14), add(0.75, 0, 15), add(1, 0, 2), add(0.1, 1, 3);
  const std::string svg = svg_of(figure);
  const std::vector<std::string> texts = all_matches(svg, "<text>(?:<tspan[^>]*>)?([^<]*)<");
  const auto times = [&](const std::string& text) { return std::count(texts.begin(), texts.end(), text); };
  for (const char* count : {"12", "13", "14", "17", "3"}) CHECK(times(count) == 1);
  CHECK(times("0") == 3 + 1);  // three empty groups, and the axis
  CHECK(times("predicted sport") == 1);
  CHECK(times("predicted news") == 1);
  CHECK(times("ln 2") == 1);
}

/// The number of marks in `svg`, those of the legend included.
size_t marks(const std::string& svg) { return all_matches(svg, "(<use xlink:href='#gpPt[0-9]+' transform)").size(); }

TEST_CASE("violins: few or equal values are points, none are nothing") {
  need_gnuplot();
  ViolinFigure figure;
  CHECK(marks(svg_of(figure)) == 0);
  check_svg(svg_of(figure));
  figure.divergence = {0.2, 0.3};
  figure.largest_attention = {0.1, 0.1};
  figure.predicted = {1, 1};
  CHECK(marks(svg_of(figure)) == 2);
  figure.divergence = {0.2, 0.2, 0.2};
  figure.largest_attention = {0.1, 0.1, 0.1};
  figure.predicted = {1, 1, 1};
  CHECK(marks(svg_of(figure)) == 3);
  check_svg(svg_of(figure));
  figure.divergence = {0.2, 0.3, 0.4};
  CHECK(marks(svg_of(figure)) == 0);  // a violin
}

TEST_CASE("violins of another range") {
  need_gnuplot();
  ViolinFigure figure = violins();
  figure.high = 1;
  figure.x_label = "Median change of the prediction";
  const std::string svg = svg_of(figure);
  CHECK_HAS(svg, "Median change of the prediction");
  CHECK(svg.find("ln 2") == std::string::npos);
}

TEST_CASE("frontier: every point has its mark, missing kinds no entry in the legend") {
  need_gnuplot();
  CHECK(marks(svg_of(frontier())) == 9 + 9 + 1 + 1 + 4);
  FrontierFigure figure = frontier();
  figure.seeds.clear();
  const std::string svg = svg_of(figure);
  CHECK(marks(svg) == 9 + 1 + 1 + 3);
  CHECK(svg.find("other seeds") == std::string::npos);
  CHECK_HAS(svg, "adversary per instance");
  check_svg(svg_of(FrontierFigure{}));
  CHECK(marks(svg_of(FrontierFigure{})) == 0);
  check_svg(svg_of(FrontierFigure{"One", {{"0", 0, 0}}, {}, {}, {}}));
  check_svg(svg_of(FrontierFigure{"Corner", {{"a", std::numbers::ln2, 1}, {"b", 0, 0}}, {}, {}, {}}));
}

TEST_CASE("evidence: all labels, however close the points are") {
  need_gnuplot();
  EvidenceFigure figure;
  for (int i = 0; i < 9; ++i) figure.models.push_back({fmt::format("model {}", i), 0.9 + 0.004 * i, 0.99});
  const std::string svg = svg_of(figure);
  CHECK(marks(svg) == 9);
  for (int i = 0; i < 9; ++i) CHECK_HAS(svg, fmt::format("model {}", i));
  check_svg(svg_of(EvidenceFigure{}));
  check_svg(svg_of(EvidenceFigure{"", {{"a", 0, 0}, {"b", 1, 1}}}));
}

TEST_CASE("nothing in a text is a command or markup") {
  need_gnuplot();
  const std::string hostile = "it's <b> & \"x\" `touch y` \\n {/Bold z}_a^b @m %d $v\n\x01\xff' ; exit";
  EvidenceFigure figure{hostile, {{hostile, 0.5, 0.95}}};
  const std::string svg = svg_of(figure, hostile);
  check_svg(svg);
  for (const char* part : {"&lt;b&gt; &amp;", "`touch y` \\n {/Bold z}_a^b @m %d $v"}) CHECK_HAS(svg, part);
  ViolinFigure violin = violins();
  violin.title = violin.x_label = violin.classes[0] = violin.classes[1] = hostile;
  check_svg(svg_of(violin, hostile));
}

TEST_CASE("long texts are broken or cut") {
  need_gnuplot();
  ViolinFigure figure = violins();
  figure.title = std::string(200, 'x');
  for (int i = 0; i < 60; ++i) figure.x_label += " word";
  figure.classes = {std::string(100, 'y'), ""};
  for (const std::string& text : all_matches(svg_of(figure), "<text>(?:<tspan[^>]*>)?([^<]*)<")) {
    CAPTURE(text);
    CHECK(text.size() < 80);
  }
}

TEST_CASE("two figures in one page share no id, and refer to their own") {
  need_gnuplot();
  const std::string svg = svg_of(frontier(), "id='x' href='#y'");
  const std::string page = inline_svg(svg, "one-") + inline_svg(svg, "two-");
  std::set<std::string> ids;
  for (const std::string& id : all_matches(page, " id=[\"']([^\"']*)[\"']")) {
    CAPTURE(id);
    CHECK((id.starts_with("one-") || id.starts_with("two-")));
    CHECK(ids.insert(id).second);
  }
  CHECK(ids.size() > 20);
  const auto references = all_matches(page, "(?:href=[\"']#|url\\(#)([^\"')]*)");
  CHECK(references.size() > 20);
  for (const std::string& reference : references) CHECK(ids.contains(reference));
  CHECK(malformed(inline_svg(svg, "one-")) == "");
  CHECK_HAS(page, "aria-label=\"id=&#39;x&#39; href=&#39;#y&#39;\"");
}

TEST_CASE("impossible numbers are errors") {
  const auto refused = [](const auto& figure) { CHECK_THROWS_AS(draw(figure, "A."), Error); };
  for (const auto& spoil : std::vector<void (*)(ViolinFigure&)>{
           [](ViolinFigure& f) { f.divergence.pop_back(); }, [](ViolinFigure& f) { f.divergence[0] = kNaN; },
           [](ViolinFigure& f) { f.divergence[0] = 0.7; }, [](ViolinFigure& f) { f.largest_attention[0] = kNaN; },
           [](ViolinFigure& f) { f.largest_attention[0] = 1.1; }, [](ViolinFigure& f) { f.predicted[0] = 2; },
           [](ViolinFigure& f) { f.high = 0; }}) {
    ViolinFigure figure = violins();
    spoil(figure);
    refused(figure);
  }
  refused(FrontierFigure{"", {{"", kNaN, 0}}, {}, {}, {}});
  refused(FrontierFigure{"", {}, {{"", 0.1, 1.5}}, {}, {}});
  refused(FrontierFigure{"", {}, {}, {{"", 0.8, 0.1}}, {}});
  refused(EvidenceFigure{"", {{"", 0.5, 0.5, -1}}});
  refused(EvidenceFigure{"", {{"", 0.5, 0.5}}, 1.5});
  refused(AgreementFigure{});
  refused(AgreementFigure{"", {{"", {0.5, 0.4, 1.1}}}});
  refused(AgreementFigure{"", {{"", {0.5, 0.4, 0.6}, {0.5, kNaN, 0.6}}}});
}

/// As long as it lives, PATH holds no program but a `gnuplot` that is this script; an empty script: no gnuplot, either.
class FakeGnuplot {
 public:
  explicit FakeGnuplot(const std::string& script) {
    if (const char* path = std::getenv("PATH")) path_ = path;
    if (!script.empty()) {
      write_atomically(folder_ / "gnuplot", "#!/bin/sh\n" + script);
      std::filesystem::permissions(folder_ / "gnuplot", std::filesystem::perms::owner_all);
    }
    setenv("PATH", folder_.path().c_str(), 1);
  }
  ~FakeGnuplot() { setenv("PATH", path_.c_str(), 1); }
  FakeGnuplot(const FakeGnuplot&) = delete;
  FakeGnuplot& operator=(const FakeGnuplot&) = delete;

 private:
  TemporaryFolder folder_;
  std::string path_;
};

TEST_CASE("gnuplot is missing, fails, or writes a part: an error") {
  const auto message = [] { return input_error([] { draw(evidence(), "A."); }); };
  {
    const FakeGnuplot none("");
    CHECK(!can_draw());
    CHECK_HAS(message(), "install the package gnuplot-nox");
    CHECK_HAS(message(), "No such file");
  }
  {
    const FakeGnuplot failing("echo 'some code'; echo '  line 5: unknown terminal' >&2; exit 3\n");
    CHECK_HAS(message(), "gnuplot ended with status 3");
    CHECK_HAS(message(), "line 5: unknown terminal");
  }
  {
    const FakeGnuplot killed("kill -9 $$\n");
    CHECK_HAS(message(), "gnuplot, which draws the figures, was ended (Killed)");
  }
  {
    // $2 is the file with the commands, which name the files that gnuplot writes.
    const FakeGnuplot partial(
        "while read -r set output path; do\n  [ \"$set $output\" = 'set output' ] && [ \"$path\" ] || continue\n"
        "  path=${path#?}\n  echo '<svg' >\"${path%?}\"\ndone <\"$2\"\nexit 0\n");
    CHECK_HAS(message(), "only a part");
  }
  {
    const FakeGnuplot idle("exit 0\n");
    CHECK_HAS(message(), "SVG");
  }
}

}  // namespace
}  // namespace notnot
