// The figures whose points are models: the paper's Figure 5, the exclusivity curve, and F1 against the share of attention
// on the evidence.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "experiments/figures/chart.h"
#include "kernels/base/error.h"

namespace notnot {
namespace {

using Points = std::vector<FigurePoint>;

void check_points(const Points& points, double x_limit) {
  for (const FigurePoint& point : points) {
    NOTNOT_CHECK(point.x >= 0 && point.x <= x_limit && point.y >= 0 && point.y <= 1,
                 "the point '{}' at {}, {}: x is from 0 to {}, y from 0 to 1", point.label, point.x, point.y, x_limit);
    for (const double error : {point.x_error, point.y_error}) {
      NOTNOT_CHECK(std::isnan(error) || (error >= 0 && std::isfinite(error)), "the point '{}' has the deviation {}",
                   point.label, error);
    }
  }
}

double or_zero(double error) { return std::isnan(error) ? 0 : error; }

/// The largest y of all points with their error bars; 0 without points.
double highest(const Points& points) {
  double result = 0;
  for (const FigurePoint& point : points) result = std::max(result, point.y + or_zero(point.y_error));
  return result;
}

std::string segment(double x1, double y1, double x2, double y2) {
  return fmt::format("{:.6g} {:.6g}\n{:.6g} {:.6g}\n", x1, y1, x2, y2);
}

/// Adds the data of one series of points and its error bars to the chart. Returns the part of the `plot` command that
/// draws them.
std::string add_series(Chart& chart, const std::string& name, const Points& points, const Look& look) {
  if (points.empty()) return "";
  std::vector<std::string> marks, bars;
  for (const FigurePoint& point : points) {
    marks.push_back(fmt::format("{:.6g} {:.6g}", point.x, point.y));
    const double dx = or_zero(point.x_error), dy = or_zero(point.y_error);
    if (dx > 0) bars.push_back(segment(point.x - dx, point.y, point.x + dx, point.y));
    if (dy > 0) bars.push_back(segment(point.x, point.y - dy, point.x, point.y + dy));
  }
  chart.data(name, marks);
  std::string plot;
  if (!bars.empty()) {
    chart.data(name + "_deviations", bars);
    plot += fmt::format(", ${}_deviations using 1:2 with lines lw 1.2 lc rgb '{}' notitle", name, look.colour);
  }
  if (look.dotted_line) {
    plot += fmt::format(", ${} using 1:2 with lines {} lc rgb '{}' notitle", name, kDotted, look.colour);
  }
  return plot + fmt::format(", ${} using 1:2 with points {} notitle", name, point_style(look));
}

void avoid_points(LabelLayout& layout, const Chart& chart, const Points& points) {
  for (const FigurePoint& point : points) {
    const double x = chart.pixel_x(point.x), y = chart.pixel_y(point.y);
    layout.avoid_marker(x, y);
    const double left = chart.pixel_x(point.x - or_zero(point.x_error)),
                 right = chart.pixel_x(point.x + or_zero(point.x_error)),
                 bottom = chart.pixel_y(point.y - or_zero(point.y_error)),
                 top = chart.pixel_y(point.y + or_zero(point.y_error));
    if (right > left) layout.avoid_line(left, y, right, y);
    if (top > bottom) layout.avoid_line(x, bottom, x, top);
  }
}

struct PlacedLabel {
  std::string text;
  const FigurePoint* point;
  LabelLayout::Place place;
};

/// Places the labels of `points` in this order; leaves out those that find no place.
std::vector<PlacedLabel> place_labels(const Chart& chart, LabelLayout layout,
                                      const std::vector<const FigurePoint*>& points, bool far) {
  std::vector<PlacedLabel> labels;
  for (const FigurePoint* point : points) {
    const std::vector<std::string> text = wrapped(point->label, kCanvasWidth / 2, kSmallFontSize, 1);
    if (text.empty()) continue;
    const auto place = layout.place(text.front(), chart.pixel_x(point->x), chart.pixel_y(point->y), far);
    if (place) labels.push_back({text.front(), point, *place});
  }
  return labels;
}

void add_labels(Chart& chart, const std::vector<PlacedLabel>& labels) {
  for (const PlacedLabel& label : labels) {
    const LabelLayout::Place& place = label.place;
    chart.text(label.text, place.x, place.y, place.alignment, kSmallFontSize);
    if (place.far) {
      chart.line(chart.pixel_x(label.point->x), chart.pixel_y(label.point->y), place.line_x, place.line_y,
                 fmt::format("lw 1 lc rgb '{}' back", kDarkGrey));
    }
  }
}

/// How badly `wanted` labels are placed. A label without a place weighs most, then a line that crosses something, then
/// the length of the lines.
double badness(const Chart& chart, const std::vector<PlacedLabel>& labels, size_t wanted) {
  double sum = 1e6 * (wanted - labels.size());
  for (const PlacedLabel& label : labels) {
    const LabelLayout::Place& place = label.place;
    if (place.far) {
      sum += std::hypot(place.line_x - chart.pixel_x(label.point->x), place.line_y - chart.pixel_y(label.point->y));
    }
    if (place.crosses) sum += 1e4;
  }
  return sum;
}

/// Labels all points as long as there is room; a label that is not beside its point gets a line to it. Each label takes
/// the best place that is left, so the result depends on their order: nine orders are tried and the best is drawn.
void label_all(Chart& chart, const LabelLayout& layout, const Points& points) {
  std::vector<const FigurePoint*> order;
  for (const FigurePoint& point : points) order.push_back(&point);
  std::vector<PlacedLabel> best;
  for (const auto& [x, y] : {std::pair{0, 0}, {1, 0}, {-1, 0}, {0, 1}, {0, -1}, {1, 1}, {-1, 1}, {1, -1}, {-1, -1}}) {
    const auto along = [x = x, y = y](const FigurePoint* point) { return x * point->x + y * point->y; };
    std::stable_sort(order.begin(), order.end(), [&](const auto* a, const auto* b) { return along(a) < along(b); });
    std::vector<PlacedLabel> labels = place_labels(chart, layout, order, true);
    if (badness(chart, labels, points.size()) < badness(chart, best, points.size())) best = std::move(labels);
  }
  add_labels(chart, best);
}

/// Draws the labels that find a place beside their points. The ends of the curve come first: they say the most.
void label_frontier(Chart& chart, LabelLayout layout, const FrontierFigure& figure) {
  const Points& curve = figure.adversaries;
  for (const Points* line : {&figure.adversaries, &figure.exact}) {
    for (size_t i = 0; i + 1 < line->size(); ++i) {
      const FigurePoint &from = (*line)[i], &to = (*line)[i + 1];
      layout.avoid_line(chart.pixel_x(from.x), chart.pixel_y(from.y), chart.pixel_x(to.x), chart.pixel_y(to.y));
    }
  }
  std::vector<const FigurePoint*> order;
  if (!curve.empty()) order.push_back(&curve.front());
  if (curve.size() > 1) order.push_back(&curve.back());
  for (size_t i = 1; i + 1 < curve.size(); ++i) order.push_back(&curve[i]);
  for (const Points* points : {&figure.uniform, &figure.per_instance, &figure.seeds, &figure.exact}) {
    for (const FigurePoint& point : *points) order.push_back(&point);
  }
  add_labels(chart, place_labels(chart, layout, order, false));
}

/// Draws the line of chance, with its label at the lower end.
void add_chance(Chart& chart, LabelLayout& layout, double share) {
  NOTNOT_CHECK(share >= 0 && share <= 1, "the share of chance is {}, not from 0 to 1", share);
  const double x = chart.pixel_x(share), bottom = chart.frame().bottom;
  chart.line(x, bottom, x, chart.frame().top, fmt::format("{} lc rgb '{}' back", kDotted, kDarkGrey));
  layout.avoid_line(x, bottom, x, chart.frame().top);
  constexpr const char* label = "chance";
  const double left = x + 5, middle = bottom + kSmallFontSize;
  chart.text(label, left, middle, "left", kSmallFontSize);
  layout.avoid({left, bottom, left + text_width(label, kSmallFontSize), bottom + 2 * kSmallFontSize});
}

}  // namespace

DrawnFigure draw(const FrontierFigure& figure, const std::string& alt_text) {
  struct Series {
    const char *name, *title;
    const Points& points;
    Look look;
  };
  const Series all[] = {{"curve", "trained adversary, by λ", figure.adversaries, {kBlue, Mark::circle, 0.9, true}},
                        {"seeds", "other seeds", figure.seeds, {kGreen, Mark::open_triangle, 1}},
                        {"uniform", "uniform model", figure.uniform, {kVermillion, Mark::square, 1}},
                        {"instances", "adversary per instance", figure.per_instance, {kBlack, Mark::plus, 1.3}},
                        {"exact", "exact adversary, by ε", figure.exact, {kOrange, Mark::diamond, 1, true}}};
  constexpr double right_end = 0.7;  // just above ln 2
  double top = 0.02;
  std::vector<LegendEntry> legend;
  for (const Series& series : all) {
    check_points(series.points, right_end);
    top = std::max(top, 1.12 * highest(series.points));
    if (!series.points.empty()) legend.push_back({series.title, series.look});
  }
  Chart chart({.title = figure.title,
               .x_label = "JSD from the base model's attention",
               .y_label = "TVD from the base model",
               .legend = legend,
               .left = 100,
               .right = 578,
               .x = {0, right_end},
               .y = {0, top}});
  LabelLayout layout(chart.frame());
  std::string plots = "plot NaN notitle";
  for (const Series& series : all) {
    plots += add_series(chart, series.name, series.points, series.look);
    avoid_points(layout, chart, series.points);
  }
  label_frontier(chart, layout, figure);
  chart.add("{}\n", plots);
  return chart.draw(alt_text);
}

DrawnFigure draw(const ExclusivityFigure& figure, const std::string& alt_text) {
  struct Series {
    const char* name;
    std::string title;
    Points points;
    Look look;
    double shift = 0;  // to the side, so that bars do not cover each other; in decades
  };
  Series all[] = {{"all", "all texts", figure.all, {kBlack, Mark::circle, 0.9, true}},
                  {"class0", figure.classes[0], figure.of_class[0], {kVermillion, Mark::open_square, 0.9, true}, -0.04},
                  {"class1", figure.classes[1], figure.of_class[1], {kBlue, Mark::open_triangle, 1, true}, 0.04},
                  {"searched", "search (Jain & Wallace)", figure.searched, {kBlack, Mark::plus, 1.3}}};
  NOTNOT_CHECK(!figure.all.empty(), "{}", "an exclusivity curve without points");
  std::vector<LegendEntry> legend;
  std::vector<std::string> tics;
  for (Series& series : all) {
    if (!series.points.empty()) legend.push_back({series.title, series.look});
    for (FigurePoint& point : series.points) {
      NOTNOT_CHECK(point.x > 0 && point.x <= 1 && point.y >= 0 && point.y <= std::numbers::ln2 + 1e-6,
                   "the point at {}, {}: x is above 0 and at most 1, y from 0 to ln 2", point.x, point.y);
      if (&series == &all[0]) tics.push_back(fmt::format("'{}' {:.6g}", point.x, std::log10(point.x)));
      point.x = std::log10(point.x) + series.shift;
    }
  }
  const double first = all[0].points.front().x, last = all[0].points.back().x;
  Chart chart({.title = figure.title,
               .x_label = "largest change of p that is allowed (logarithmic)",
               .y_label = "mean JSD of the exact adversary",
               .legend = legend,
               .left = 100,
               .right = 578,
               .x = {first - 0.15, last + 0.15},
               .y = {0, 0.75}});
  chart.add("set xtics ({})\n", fmt::join(tics, ", "));
  chart.line(chart.frame().left, chart.pixel_y(std::numbers::ln2), chart.frame().right,
             chart.pixel_y(std::numbers::ln2), fmt::format("{} lc rgb '{}' back", kDotted, kDarkGrey));
  std::string plots = "plot NaN notitle";
  for (const Series& series : all) plots += add_series(chart, series.name, series.points, series.look);
  chart.add("{}\n", plots);
  return chart.draw(alt_text);
}

DrawnFigure draw(const EvidenceFigure& figure, const std::string& alt_text) {
  check_points(figure.models, 1);
  double lowest = 0.9;
  for (const FigurePoint& point : figure.models) lowest = std::min(lowest, point.y - or_zero(point.y_error));
  const double bottom = std::max(0.0, std::floor(10 * lowest - 0.5) / 10);
  // No two looks share both shape and filling, so no reader needs the colours to tell two models apart.
  constexpr Look looks[] = {
      {kBlue, Mark::circle, 0.9},           {kVermillion, Mark::square, 0.9}, {kGreen, Mark::triangle, 1},
      {kBlack, Mark::open_circle, 0.9},     {kOrange, Mark::diamond, 1.1},    {kPurple, Mark::triangle_down, 1},
      {kBlack, Mark::open_square, 0.9},     {kBlue, Mark::open_triangle, 1},  {kVermillion, Mark::open_diamond, 1.1},
      {kGreen, Mark::open_triangle_down, 1}};
  Chart chart({.title = figure.title,
               .x_label = "Share of attention on the evidence",
               .y_label = "F1",
               .legend = {},
               .left = 85,
               .right = 578,
               .x = {-0.02, 1.02},
               .y = {bottom - 0.02, 1 + 0.12 * (1 - bottom)}});
  LabelLayout layout(chart.frame());
  if (!std::isnan(figure.chance)) add_chance(chart, layout, figure.chance);
  avoid_points(layout, chart, figure.models);
  std::string plots = "plot NaN notitle";
  for (size_t i = 0; i < figure.models.size(); ++i) {
    plots += add_series(chart, fmt::format("model{}", i), {figure.models[i]}, looks[i % std::size(looks)]);
  }
  label_all(chart, layout, figure.models);
  chart.add("{}\n", plots);
  return chart.draw(alt_text);
}

}  // namespace notnot
