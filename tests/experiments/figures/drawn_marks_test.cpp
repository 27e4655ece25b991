// Every mark of the figures, read back from what gnuplot drew and compared with made-up input.
#include <fmt/format.h>

#include <cstdlib>
#include <iterator>
#include <limits>
#include <set>

#include "engine/io/files.h"
#include "experiments/figures/figures.h"
#include "kernels/base/error.h"
#include "tests/experiments/figures/drawing.h"
#include "tests/support/temporary_folder.h"

namespace notnot {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
// Okabe and Ito's palette, as they publish it.
constexpr const char *kItoOrange = "#E69F00", *kItoGreen = "#009E73", *kItoBlue = "#0072B2",
                     *kItoVermillion = "#D55E00", *kItoPurple = "#CC79A7", *kItoBlack = "#000000",
                     *kItoGrey = "#444444";

void need_gnuplot() {
  if (can_draw()) return;
  fmt::print("skipped: gnuplot is not installed (package gnuplot-nox)\n");
  std::exit(77);
}

template <class Figure>
Drawing drawn(const Figure& figure) {
  return Drawing(draw(figure, "A figure.").svg);
}

/// Whether the two are less than a tenth of a pixel apart; gnuplot rounds to a hundredth.
bool same_place(const Drawing& drawing, const Point& units, const Point& pixels) {
  const Point at = drawing.in_pixels(units);
  return std::hypot(at.x - pixels.x, at.y - pixels.y) < 0.1;
}

/// Checks that `mark` stands for the model at `units`.
void check_mark(const Drawing& drawing, const DrawnMark& mark, const Point& units, Shape shape,
                const std::string& colour) {
  CAPTURE(units.x);
  CAPTURE(units.y);
  CHECK(same_place(drawing, units, mark.at));
  CHECK(mark.shape == shape);
  CHECK(mark.colour == colour);
  CHECK(mark.size > 4);
}

/// The lines of this colour and kind inside the frame, in the units of the axes.
std::vector<Line> lines_of(const Drawing& drawing, const std::string& colour, bool dashed) {
  std::vector<Line> result;
  for (const DrawnLines& some : drawing.lines) {
    if (some.colour != colour || some.dashed != dashed) continue;
    for (const Line& line : some.lines) {
      if (line.front().y >= drawing.top - 1) result.push_back(drawing.in_units(line));
    }
  }
  return result;
}

/// Checks that `lines` are `expected`, in any order and direction, to half a pixel of a usual figure.
void check_lines(const std::vector<Line>& lines, const std::vector<Line>& expected) {
  CHECK(lines.size() == expected.size());
  const auto close = [](const Point& a, const Point& b) { return std::fabs(a.x - b.x) + std::fabs(a.y - b.y) < 5e-4; };
  for (const Line& want : expected) {
    const auto found = std::count_if(lines.begin(), lines.end(), [&](const Line& line) {
      return line.size() == want.size() && (std::equal(line.begin(), line.end(), want.begin(), close) ||
                                            std::equal(line.rbegin(), line.rend(), want.begin(), close));
    });
    CAPTURE(want.front().x);
    CAPTURE(want.front().y);
    CAPTURE(want.back().x);
    CAPTURE(want.back().y);
    CHECK(found == 1);
  }
}

/// Checks that the text `label` is beside the point.
void check_label(const Drawing& drawing, const std::string& label, const Point& units) {
  const DrawnText& text = drawing.text(label);
  const Point point = drawing.in_pixels(units);
  CAPTURE(label);
  // A text beside its mark ends or begins at it, one above or below is centred over it.
  CHECK(std::fabs(text.at.x - point.x) < 20);
  CHECK(std::fabs(text.at.y - point.y) < 30);
  if (text.anchor == "start") CHECK(text.at.x > point.x);
  if (text.anchor == "end") CHECK(text.at.x < point.x);
}

/// The axes' texts stand below the frame and, turned, to its left.
void check_axis_texts(const Drawing& drawing, const std::string& x, const std::string& y) {
  CHECK(drawing.text(x).at.y > drawing.bottom);
  CHECK(drawing.text(x).at.y < 480);
  CHECK_FALSE(drawing.text(x).turned);
  CHECK(drawing.text(y).at.x < drawing.left);
  CHECK(drawing.text(y).turned);
}

/// Checks that the axes end at these values, to a fifth of a pixel.
void check_ends(const Drawing& drawing, const Point& low, const Point& high) {
  CAPTURE(low.y);
  CAPTURE(high.y);
  CHECK(std::fabs(drawing.in_pixels(low).x - drawing.left) < 0.2);
  CHECK(std::fabs(drawing.in_pixels(low).y - drawing.bottom) < 0.2);
  CHECK(std::fabs(drawing.in_pixels(high).x - drawing.right) < 0.2);
  CHECK(std::fabs(drawing.in_pixels(high).y - drawing.top) < 0.2);
}

FrontierFigure small_frontier() {
  return {.title = "SST",
          .adversaries = {{"0.0001", 0.1, 0.02}, {"0.0005", 0.3, 0.03, 0.02, 0.01}, {"0.001", 0.5, 0.05}},
          .seeds = {{"2", 0.2, 0.1, 0.03, 0.01}, {"50", 0.25, 0.12, kNaN, 0.02}, {"257", 0.4, 0.08, 0.04, kNaN}},
          .uniform = {{"11", 0.35, 0.07, 0.01, 0.004}},
          .per_instance = {{"12", 0.6, 0.01, 0.05, 0.006}}};
}

TEST_CASE("Figure 5: every point has its place, shape and colour") {
  need_gnuplot();
  const FrontierFigure figure = small_frontier();
  const Drawing drawing = drawn(figure);
  const std::vector<DrawnMark> points = drawing.points();
  REQUIRE(points.size() == 8);
  size_t at = 0;
  for (const auto& [series, shape, colour] : {std::tuple(&figure.adversaries, Shape::circle, kItoBlue),
                                              {&figure.seeds, Shape::open_triangle, kItoGreen},
                                              {&figure.uniform, Shape::square, kItoVermillion},
                                              {&figure.per_instance, Shape::plus, kItoBlack}}) {
    for (const FigurePoint& point : *series) {
      check_mark(drawing, points[at++], {point.x, point.y}, shape, colour);
      check_label(drawing, point.label, {point.x, point.y});
    }
  }
  check_axis_texts(drawing, "JSD from the base model's attention", "TVD from the base model");
  CHECK(drawing.text("SST").at.y < drawing.top);
}

TEST_CASE("Figure 5: error bars reach one deviation to both sides, along their own axis") {
  need_gnuplot();
  const Drawing drawing = drawn(small_frontier());
  check_lines(lines_of(drawing, kItoGreen, false), {{{0.17, 0.1}, {0.23, 0.1}},
                                                    {{0.2, 0.09}, {0.2, 0.11}},
                                                    {{0.25, 0.1}, {0.25, 0.14}},
                                                    {{0.36, 0.08}, {0.44, 0.08}}});
  check_lines(lines_of(drawing, kItoVermillion, false), {{{0.34, 0.07}, {0.36, 0.07}}, {{0.35, 0.066}, {0.35, 0.074}}});
  check_lines(lines_of(drawing, kItoBlack, false), {{{0.55, 0.01}, {0.65, 0.01}}, {{0.6, 0.004}, {0.6, 0.016}}});
  check_lines(lines_of(drawing, kItoBlue, false), {{{0.28, 0.03}, {0.32, 0.03}}, {{0.3, 0.02}, {0.3, 0.04}}});
  // The curve joins the adversaries in the order of lambda.
  check_lines(lines_of(drawing, kItoBlue, true), {{{0.1, 0.02}, {0.3, 0.03}, {0.5, 0.05}}});
}

TEST_CASE("Figure 5: the axes show every point with its error bar") {
  need_gnuplot();
  // The highest is the bar of seed 50 at 0.14; above it is an eighth of air.
  check_ends(drawn(small_frontier()), {0, 0}, {0.7, 1.12 * 0.14});
  for (auto series : {&FrontierFigure::adversaries, &FrontierFigure::uniform, &FrontierFigure::per_instance}) {
    FrontierFigure figure = small_frontier();
    (figure.*series)[0].y = 0.5;
    (figure.*series)[0].y_error = 0.1;
    check_ends(drawn(figure), {0, 0}, {0.7, 1.12 * 0.6});
  }
  check_ends(drawn(FrontierFigure{"", {{"0", 0.1, 0.001}}, {}, {}, {}}), {0, 0}, {0.7, 0.02});  // never less
}

TEST_CASE("Figure 5: the legend has the marks that the points have") {
  need_gnuplot();
  const Drawing drawing = drawn(small_frontier());
  const auto check = [&](const std::string& words, size_t point) {
    CAPTURE(words);
    const DrawnMark& sample = drawing.sample(words);
    CHECK(sample.shape == drawing.points()[point].shape);
    CHECK(sample.colour == drawing.points()[point].colour);
    CHECK(sample.size == drawing.points()[point].size);
    CHECK(sample.at.y < drawing.top);
    CHECK(drawing.text(words).at.x - sample.at.x < 25);
  };
  check("trained adversary, by λ", 0);
  check("other seeds", 3);
  check("uniform model", 6);
  check("adversary per instance", 7);
  CHECK(drawing.marks.size() == 8 + 4);
  // Only the curve's sample has a dotted line through it.
  const DrawnMark& curve = drawing.sample("trained adversary, by λ");
  size_t dotted = 0;
  for (const DrawnLines& some : drawing.lines) {
    for (const Line& line : some.lines) {
      if (!some.dashed || line.front().y >= drawing.top) continue;
      ++dotted;
      CHECK(some.colour == kItoBlue);
      CHECK(line.front().x < curve.at.x - 10);
      CHECK(line.back().x > curve.at.x + 10);
      CHECK(line.front().y == doctest::Approx(curve.at.y).epsilon(1e-3));
      CHECK(line.back().y == line.front().y);
    }
  }
  CHECK(dotted == 1);
}

TEST_CASE("Figure 5: exact adversaries are diamonds on a line of their own") {
  need_gnuplot();
  FrontierFigure figure = small_frontier();
  figure.exact = {{"e1", 0.45, 0.125}, {"e2", 0.55, 0.13}, {"e3", 0.65, 0.15}};
  const Drawing drawing = drawn(figure);
  const std::vector<DrawnMark> points = drawing.points();
  REQUIRE(points.size() == 11);
  for (size_t i = 0; i < 3; ++i) {
    const FigurePoint& point = figure.exact[i];
    check_mark(drawing, points[8 + i], {point.x, point.y}, Shape::diamond, kItoOrange);
    check_label(drawing, point.label, {point.x, point.y});
  }
  check_lines(lines_of(drawing, kItoOrange, true), {{{0.45, 0.125}, {0.55, 0.13}, {0.65, 0.15}}});
  check_ends(drawing, {0, 0}, {0.7, 1.12 * 0.15});
  CHECK(drawing.sample("exact adversary, by ε").shape == Shape::diamond);
}

TEST_CASE("the exclusivity curve: a logarithmic axis, bars of the intervals, a series per class") {
  need_gnuplot();
  ExclusivityFigure figure;
  figure.all = {{"", 0.001, 0.2, kNaN, 0.05}, {"", 0.01, 0.4, kNaN, 0.04}, {"", 0.1, 0.6, kNaN, 0.02}};
  figure.classes = {"predicted no", "predicted yes"};
  figure.of_class = {std::vector<FigurePoint>{{"", 0.001, 0.1}, {"", 0.01, 0.3}}, {}};
  figure.searched = {{"", 0.01, 0.35}};
  const Drawing drawing = drawn(figure);
  const std::vector<DrawnMark> points = drawing.points();
  REQUIRE(points.size() == 6);
  // Each tenfold change is as wide; the heights are those of the values.
  CHECK(points[1].at.x - points[0].at.x == doctest::Approx(points[2].at.x - points[1].at.x).epsilon(0.01));
  CHECK(points[0].at.y - points[1].at.y == doctest::Approx(points[1].at.y - points[2].at.y).epsilon(0.01));
  CHECK(points[5].at.x == doctest::Approx(points[1].at.x));
  CHECK(points[0].shape == Shape::circle);
  CHECK(points[3].shape == Shape::open_square);
  CHECK(points[5].shape == Shape::plus);
  CHECK(drawing.has_text("predicted no"));
  CHECK_FALSE(drawing.has_text("predicted yes"));
  for (const char* tic : {"0.001", "0.01", "0.1"}) CHECK(drawing.has_text(tic));
  figure.all[0].y = 0.7;
  CHECK_THROWS_AS(draw(figure, "alt"), Error);
  figure.all[0] = {"", 0, 0.2};
  CHECK_THROWS_AS(draw(figure, "alt"), Error);
  CHECK_THROWS_AS(draw(ExclusivityFigure{}, "alt"), Error);
}

TEST_CASE("Figure 5: of labels without room, the ends of the curve stay") {
  need_gnuplot();
  FrontierFigure figure;
  for (int i = 0; i < 30; ++i) figure.adversaries.push_back({fmt::format("lambda{}", i), 0.3 + 0.003 * i, 0.05});
  const Drawing drawing = drawn(figure);
  CHECK(drawing.has_text("lambda0"));
  CHECK(drawing.has_text("lambda29"));
  CHECK_FALSE(drawing.has_text("lambda15"));
}

TEST_CASE("the evidence figure: ten models differ in shape or filling, each has its bars and its label") {
  need_gnuplot();
  EvidenceFigure figure;
  for (int i = 0; i < 11; ++i) {
    figure.models.push_back({fmt::format("model{}", i), 0.04 + 0.09 * i, 0.82 + 0.015 * i, 0.01 + 0.001 * i, 0.004});
  }
  figure.models[3].x_error = figure.models[4].y_error = kNaN;
  const Drawing drawing = drawn(figure);
  const std::vector<std::pair<Shape, const char*>> looks = {{Shape::circle, kItoBlue},
                                                            {Shape::square, kItoVermillion},
                                                            {Shape::triangle, kItoGreen},
                                                            {Shape::open_circle, kItoBlack},
                                                            {Shape::diamond, kItoOrange},
                                                            {Shape::triangle_down, kItoPurple},
                                                            {Shape::open_square, kItoBlack},
                                                            {Shape::open_triangle, kItoBlue},
                                                            {Shape::open_diamond, kItoVermillion},
                                                            {Shape::open_triangle_down, kItoGreen},
                                                            {Shape::circle, kItoBlue}};
  const std::vector<DrawnMark> points = drawing.points();
  REQUIRE(points.size() == figure.models.size());
  std::map<std::string, std::vector<Line>> bars;
  std::set<Shape> shapes;
  for (size_t i = 0; i < points.size(); ++i) {
    const FigurePoint& model = figure.models[i];
    check_mark(drawing, points[i], {model.x, model.y}, looks[i].first, looks[i].second);
    CHECK(shapes.insert(points[i].shape).second == (i < 10));
    CHECK(drawing.has_text(model.label));
    auto& expected = bars[looks[i].second];
    if (i != 3) expected.push_back({{model.x - model.x_error, model.y}, {model.x + model.x_error, model.y}});
    if (i != 4) expected.push_back({{model.x, model.y - model.y_error}, {model.x, model.y + model.y_error}});
  }
  for (const auto& [colour, expected] : bars) check_lines(lines_of(drawing, colour, false), expected);
  check_axis_texts(drawing, "Share of attention on the evidence", "F1");
}

TEST_CASE("the evidence figure: a dotted line at the share of chance, from the bottom to the top") {
  need_gnuplot();
  EvidenceFigure figure{"", {{"a", 0.5, 0.99}, {"b", 0.15, 0.86}}};
  CHECK(lines_of(drawn(figure), kItoGrey, true).empty());
  CHECK_FALSE(drawn(figure).has_text("chance"));
  figure.chance = 0.14;
  const Drawing drawing = drawn(figure);
  check_lines(lines_of(drawing, kItoGrey, true), {{{0.14, 0.78}, {0.14, 1 + 0.12 * 0.2}}});
  CHECK(drawing.has_text("chance"));
  CHECK(drawing.has_text("b"));
}

TEST_CASE("the evidence figure: the F1 axis goes down to the lowest point with its bar, and no farther than 0") {
  need_gnuplot();
  const auto check = [](double y, double error, double low, double high) {
    const Drawing drawing = drawn(EvidenceFigure{"", {{"a", 0.5, 0.99}, {"b", 0.2, y, kNaN, error}}});
    check_ends(drawing, {-0.02, low}, {1.02, high});
  };
  // Whole tenths, at least half a tenth below the lowest point and at most 0.8; and 0.02 more. Above 1 is an eighth.
  check(0.97, kNaN, 0.78, 1 + 0.12 * 0.2);
  check(0.86, kNaN, 0.78, 1 + 0.12 * 0.2);
  check(0.86, 0.05, 0.68, 1 + 0.12 * 0.3);
  check(0.44, kNaN, 0.28, 1 + 0.12 * 0.7);
  check(0.02, kNaN, -0.02, 1 + 0.12);
}

// --- violins ---------------------------------------------------------------------------------------------------------

ViolinFigure with_group(ViolinFigure figure, double attention, int32_t predicted, const std::vector<double>& values) {
  for (const double value : values) {
    figure.divergence.push_back(value);
    figure.largest_attention.push_back(attention);
    figure.predicted.push_back(predicted);
  }
  return figure;
}

/// Scott's bandwidth, written out.
double bandwidth(const std::vector<double>& values) {
  double mean = 0, square = 0;
  for (const double value : values) mean += value / values.size();
  for (const double value : values) square += (value - mean) * (value - mean);
  return std::sqrt(square / (values.size() - 1)) * std::pow(values.size(), -0.2);
}

/// A Gaussian kernel density, but for a factor.
double density(const std::vector<double>& values, double x) {
  double sum = 0;
  for (const double value : values) sum += std::exp(-0.5 * std::pow((x - value) / bandwidth(values), 2));
  return sum;
}

const std::vector<double> kLow = {0.1, 0.12, 0.15, 0.2, 0.3}, kHigh = {0.3, 0.4, 0.42, 0.5, 0.55, 0.6};

TEST_CASE("violins: a bin and a class each have their row, their colour and their count") {
  need_gnuplot();
  ViolinFigure figure;
  figure.classes = {"bad", "good"};
  // [bin][class]: how many values; all different, so that no two groups can be exchanged.
  const int counts[4][2] = {{3, 4}, {5, 6}, {7, 8}, {9, 10}};
  for (int bin = 0; bin < 4; ++bin) {
    for (int predicted = 0; predicted < 2; ++predicted) {
      std::vector<double> values;
      for (int i = 0; i < counts[bin][predicted]; ++i) values.push_back(0.05 * bin + 0.02 * i + 0.1 * predicted);
      figure = with_group(figure, 0.25 * bin + 0.1, predicted, values);
    }
  }
  const Drawing drawing = drawn(figure);
  std::vector<DrawnArea> violins;
  for (const DrawnArea& area : drawing.areas) {
    if (area.outline.front().y > drawing.top) violins.push_back(area);
  }
  REQUIRE(violins.size() == 8);
  for (int bin = 0; bin < 4; ++bin) {
    for (int predicted = 0; predicted < 2; ++predicted) {
      CAPTURE(bin);
      CAPTURE(predicted);
      const double middle = bin + (predicted == 0 ? 0.23 : -0.23);  // class 0 stands above class 1
      const auto in_row = [&](const DrawnArea& area) {
        return std::fabs(drawing.in_units(area.outline.front()).y - middle) < 0.22;
      };
      const auto violin = std::find_if(violins.begin(), violins.end(), in_row);
      REQUIRE(violin != violins.end());
      CHECK(std::count_if(violins.begin(), violins.end(), in_row) == 1);
      CHECK(violin->colour == (predicted == 0 ? kItoOrange : kItoBlue));
      const DrawnText& count = drawing.text(std::to_string(counts[bin][predicted]));
      CHECK(count.at.x > drawing.right);
      CHECK(std::fabs(count.at.y - drawing.in_pixels({0, middle}).y) < 8);
    }
  }
  CHECK(drawing.text("n").at.x > drawing.right);
  check_axis_texts(drawing, figure.x_label, "Largest base attention");
}

TEST_CASE("violins: the outline is the kernel density, as high for few texts as for many") {
  need_gnuplot();
  ViolinFigure figure = with_group(with_group({}, 0.3, 0, kLow), 0.9, 1, kHigh);
  const Drawing drawing = drawn(figure);
  for (const auto& [values, middle, colour] :
       {std::tuple(&kLow, 1.23, kItoOrange), std::tuple(&kHigh, 2.77, kItoBlue)}) {
    Line outline;
    for (const DrawnArea& area : drawing.areas) {
      if (area.colour == colour && area.outline.front().y > drawing.top) outline = drawing.in_units(area.outline);
    }
    REQUIRE(outline.size() >= 200);
    double least = 1, most = 0, highest = 0;
    for (const Point& point : outline) {
      least = std::min(least, point.x);
      most = std::max(most, point.x);
      highest = std::max(highest, density(*values, point.x));
    }
    // From two bandwidths below the least value to two above the largest, but from 0 to ln 2.
    CHECK(std::fabs(least - (values == &kLow ? 0 : 0.3 - 2 * bandwidth(kHigh))) < 0.001);
    CHECK(std::fabs(most - (values == &kLow ? 0.3 + 2 * bandwidth(kLow) : std::numbers::ln2)) < 0.001);
    double above = 0, below = 0;
    for (const Point& point : outline) {
      const double expected = 0.21 * density(*values, point.x) / highest;
      CHECK(std::fabs(std::fabs(point.y - middle) - expected) < 0.003);
      above = std::max(above, point.y - middle);
      below = std::max(below, middle - point.y);
    }
    CHECK(std::fabs(above - 0.21) < 0.002);
    CHECK(std::fabs(below - 0.21) < 0.002);
  }
}

TEST_CASE("violins: the quartiles and the median cross the whole violin where they lie") {
  need_gnuplot();
  const Drawing drawing = drawn(with_group({}, 0.6, 1, {0.1, 0.2, 0.25, 0.3, 0.6}));
  const std::vector<double> values = {0.1, 0.2, 0.25, 0.3, 0.6};
  double highest = 0;
  for (int i = 0; i <= 7000; ++i) highest = std::max(highest, density(values, i / 1e4));
  size_t found = 0;
  for (const DrawnLines& some : drawing.lines) {
    if (some.colour != "#FFFFFF") continue;  // on blue
    for (const Line& line : some.lines) {
      const Line units = drawing.in_units(line);
      ++found;
      const double x = some.dashed ? (units[0].x < 0.25 ? 0.2 : 0.3) : 0.25;
      CHECK(units[0].x == doctest::Approx(x).epsilon(2e-3));
      CHECK(units[1].x == units[0].x);
      CHECK(std::fabs(std::fabs(units[1].y - units[0].y) - 2 * 0.21 * density(values, x) / highest) < 0.004);
      CHECK((units[0].y + units[1].y) / 2 == doctest::Approx(2 - 0.23).epsilon(2e-3));
    }
    CHECK(some.lines.size() == (some.dashed ? 2 : 1));
    CHECK(some.width > (some.dashed ? 1 : 2));
  }
  CHECK(found == 3);
  // On orange they are black.
  size_t black = 0;
  for (const DrawnLines& some : drawn(with_group({}, 0.6, 0, values)).lines) black += some.colour == kItoBlack;
  CHECK(black == 2);
}

TEST_CASE("violins: one or two values are marks of the class's shape and colour, in its row") {
  need_gnuplot();
  const Drawing drawing = drawn(with_group(with_group({}, 0.9, 0, {0.2, 0.5}), 0.1, 1, {0.4}));
  const std::vector<DrawnMark> points = drawing.points();
  REQUIRE(points.size() == 3);
  check_mark(drawing, points[0], {0.2, 3.23}, Shape::circle, kItoOrange);
  check_mark(drawing, points[1], {0.5, 3.23}, Shape::circle, kItoOrange);
  check_mark(drawing, points[2], {0.4, -0.23}, Shape::triangle, kItoBlue);
}

TEST_CASE("violins: the axis shows the whole range, the legend the classes, lines part the bins") {
  need_gnuplot();
  ViolinFigure figure = with_group({}, 0.3, 0, kLow);
  figure.classes = {"bad", "good"};
  Drawing drawing = drawn(figure);
  check_ends(drawing, {-0.02 * std::numbers::ln2, -0.55}, {1.02 * std::numbers::ln2, 3.55});
  for (const auto& [words, colour] : {std::pair("predicted bad", kItoOrange), {"predicted good", kItoBlue}}) {
    const DrawnText& text = drawing.text(words);
    CHECK(text.at.y < drawing.top);
    size_t boxes = 0;
    for (const DrawnArea& area : drawing.areas) {
      const Point& corner = area.outline.front();
      boxes += area.colour == colour && corner.x < text.at.x && text.at.x - corner.x < 60 &&
               std::fabs(corner.y - text.at.y) < 20;
    }
    CHECK(boxes == 1);
  }
  std::vector<double> between;
  for (const DrawnLines& some : drawing.lines) {
    if (some.colour != "#BBBBBB") continue;
    for (const Line& line : some.lines) {
      between.push_back(drawing.in_units(line.front()).y);
      CHECK(std::fabs(line.front().x - drawing.left) < 1);
      CHECK(std::fabs(line.back().x - drawing.right) < 1);
    }
  }
  std::sort(between.begin(), between.end());
  REQUIRE(between.size() == 3);
  for (size_t i = 0; i < 3; ++i) CHECK(between[i] == doctest::Approx(0.5 + static_cast<double>(i)).epsilon(2e-3));
  figure.high = 1;
  figure.low = -1;
  drawing = drawn(figure);
  check_ends(drawing, {-1.04, -0.55}, {1.04, 3.55});
}

TEST_CASE("the PDF is drawn by the same commands as the SVG") {
  need_gnuplot();
  const TemporaryFolder folder;
  const char* const path = std::getenv("PATH");
  REQUIRE(path != nullptr);
  const std::string found = path;
  const std::string script = (folder / "script").string(), bin = (folder / "bin").string();
  std::filesystem::create_directories(bin);
  write_atomically(folder.path() / "bin" / "gnuplot",
                   fmt::format("#!/bin/sh\nPATH='{}'\ncp \"$2\" '{}'\nexec gnuplot \"$@\"\n", found, script));
  std::filesystem::permissions(folder.path() / "bin" / "gnuplot", std::filesystem::perms::owner_all);
  setenv("PATH", (bin + ":" + found).c_str(), 1);
  draw(small_frontier(), "A figure.");
  setenv("PATH", found.c_str(), 1);
  const std::string commands = read_file(script);
  const auto half = [&](const char* terminal) {
    const size_t begin = commands.find("set output '", commands.find(terminal));
    const size_t line = commands.find('\n', begin);
    return commands.substr(line, commands.find("\nset output\n", line) - line);
  };
  CHECK(half("set terminal svg").size() > 1000);
  CHECK(half("set terminal svg") == half("set terminal pdfcairo"));
}

TEST_CASE("the title stands above everything else of a figure") {
  need_gnuplot();
  ViolinFigure violins = with_group({}, 0.3, 0, kLow);
  violins.title = "The title";
  const EvidenceFigure evidence{"The title", {{"Base", 0.5, 0.9}}};
  FrontierFigure frontier = small_frontier();
  frontier.title = "The title";
  for (const Drawing& drawing : {drawn(violins), drawn(evidence), drawn(frontier)}) {
    const double height = drawing.text("The title").at.y;
    for (const DrawnText& text : drawing.texts) CHECK((text.text == "The title" || text.at.y > height + 10));
    CHECK(drawing.text("The title").anchor == "middle");
    CHECK(drawing.text("The title").at.x == doctest::Approx(300));
  }
}

TEST_CASE("the evidence figure: labels of near points have the shortest lines to them that there are") {
  need_gnuplot();
  EvidenceFigure figure;
  for (int i = 0; i < 6; ++i) {
    figure.models.push_back(
        {fmt::format("model {}", i), 0.5 + 0.004 * i * (i % 2 == 1 ? 1 : -1), 0.95 + 0.003 * (i * 5 % 7)});
  }
  const Drawing drawing = drawn(figure);
  double length = 0;
  size_t found = 0;
  for (const DrawnLines& some : drawing.lines) {
    if (some.colour != "#444444") continue;
    for (const Line& line : some.lines) {
      ++found;
      length += std::hypot(line.front().x - line.back().x, line.front().y - line.back().y);
    }
  }
  // The first ring is 28 pixels from a mark. In the order of their places in the figure all six find room on it.
  CHECK(found == 6);
  CHECK(length < 6 * 28 + 1);
}

TEST_CASE("labels stand beside error bars and the curve, not on them") {
  need_gnuplot();
  const auto height = [](const FigurePoint& point) {  // of the label above or below the mark, in pixels
    const Drawing drawing = drawn(EvidenceFigure{"", {point}});
    return std::fabs(drawing.text(point.label).at.y - drawing.points()[0].at.y);
  };
  CHECK(height({"Base", 0.5, 0.9}) < 10);
  CHECK(height({"Base", 0.5, 0.9, kNaN, 0.05}) < 10);
  CHECK(height({"Base", 0.5, 0.9, 0.3, kNaN}) > 10);
  const Drawing drawing = drawn(FrontierFigure{"", {{"first", 0.2, 0.05}, {"second", 0.4, 0.05}}, {}, {}, {}});
  CHECK(drawing.text("first").at.x < drawing.points()[0].at.x);
  CHECK(drawing.text("first").anchor == "end");
  CHECK(drawing.text("second").at.x > drawing.points()[1].at.x);
  CHECK(drawing.text("second").anchor == "start");
}

TEST_CASE("agreement: a row per measure, its two marks with their intervals, the floor and the ceiling of attention") {
  need_gnuplot();
  AgreementFigure figure;
  figure.rows = {{"Attention", {}, {0.6, 0.55, 0.65}},
                 {"Contribution", {0.3, 0.25, 0.375}, {0.4, 0.3, 0.45}},
                 {"Random order", {-0.01, -0.02, 0.01}, {}}};
  figure.ceiling = figure.rows[0].ceiling;
  const Drawing drawing = drawn(figure);
  const std::vector<DrawnMark> marks = drawing.points();
  REQUIRE(marks.size() == 4);  // the ceilings first
  const double at[] = {0.6, 0.4, 0.3, -0.01};
  for (size_t i = 0; i < 4; ++i) {
    CHECK(std::fabs(drawing.x_in_units(marks[i].at.x) - at[i]) < 0.001);
    CHECK(marks[i].shape == (i < 2 ? Shape::open_diamond : Shape::circle));
    CHECK(marks[i].colour == (i < 2 ? kItoVermillion : kItoBlue));
  }
  CHECK(marks[0].at.y < marks[1].at.y);  // attention is the row at the top
  CHECK(marks[2].at.y < marks[1].at.y);  // of a row the circle is above the diamond
  CHECK(marks[1].at.y < marks[3].at.y);
  std::vector<std::pair<double, double>> ends;
  for (const DrawnLines& some : drawing.lines) {
    if (some.colour != kItoBlue || some.dashed) continue;
    for (const Line& line : some.lines) {
      if (line.front().y >= drawing.top - 1)
        ends.emplace_back(drawing.x_in_units(line.front().x), drawing.x_in_units(line.back().x));
    }
  }
  REQUIRE(ends.size() == 2);
  CHECK(std::fabs(ends[0].first - 0.25) < 0.001);
  CHECK(std::fabs(ends[0].second - 0.375) < 0.001);
  for (const char* words : {"Attention", "Contribution", "Random order", "floor", "attention's ceiling"}) {
    CHECK(drawing.has_text(words));
  }
  CHECK(std::fabs(drawing.x_in_units(drawing.text("floor").at.x)) < 0.01);
  CHECK(std::fabs(drawing.x_in_units(drawing.text("attention's ceiling").at.x) - 0.6) < 0.01);
  CHECK(drawing.sample("with attention").shape == Shape::circle);
  CHECK(drawing.sample("with itself, another seed").shape == Shape::open_diamond);
}

}  // namespace
}  // namespace notnot
