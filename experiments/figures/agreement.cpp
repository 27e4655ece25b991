// The figure of the fifth test: rows of intervals between a floor and a ceiling.
#include <algorithm>
#include <cmath>

#include "experiments/figures/chart.h"
#include "kernels/base/error.h"

namespace notnot {
namespace {

using Estimate = AgreementFigure::Estimate;

constexpr Look kAgreement = {kBlue, Mark::circle, 0.7}, kCeiling = {kVermillion, Mark::open_diamond, 0.75};
constexpr double kBeside = 0.19;  // of a mark from the middle of its row, which is 1 high
constexpr const char* kBand = "#e4e4e4";

bool is_there(const Estimate& estimate) { return !std::isnan(estimate.value); }

void check_estimate(const Estimate& estimate, const std::string& label) {
  if (!is_there(estimate)) return;
  const auto in_range = [](double value) { return value >= -1 - 1e-9 && value <= 1 + 1e-9; };
  NOTNOT_CHECK(in_range(estimate.value) && in_range(estimate.low) && in_range(estimate.high),
               "'{}' has the agreement {}, {} to {}: all are from -1 to 1", label, estimate.value, estimate.low,
               estimate.high);
}

/// Where the axis begins: below 0 and below all intervals.
double lowest(const AgreementFigure& figure) {
  double low = -0.05;
  for (const AgreementFigure::Row& row : figure.rows) {
    for (const Estimate& estimate : {row.agreement, row.ceiling}) {
      if (is_there(estimate)) low = std::min(low, estimate.low - 0.03);
    }
  }
  return low;
}

/// The y of row `i`: the first one is at the top.
double middle_of(const AgreementFigure& figure, size_t i) { return static_cast<double>(figure.rows.size() - 1 - i); }

/// Adds the marks of all rows and their intervals. Returns the part of the `plot` command that draws them.
std::string add_estimates(Chart& chart, const AgreementFigure& figure, const std::string& name,
                          Estimate AgreementFigure::Row::*member, const Look& look, double shift) {
  std::vector<std::string> marks, bars;
  for (size_t i = 0; i < figure.rows.size(); ++i) {
    const Estimate& estimate = figure.rows[i].*member;
    if (!is_there(estimate)) continue;
    const double y = middle_of(figure, i) + shift;
    marks.push_back(fmt::format("{:.6g} {:.6g}", estimate.value, y));
    bars.push_back(fmt::format("{0:.6g} {2:.6g}\n{1:.6g} {2:.6g}\n", estimate.low, estimate.high, y));
  }
  if (marks.empty()) return "";
  chart.data(name, marks);
  chart.data(name + "_intervals", bars);
  return fmt::format(
      ", ${0}_intervals using 1:2 with lines lw 2 lc rgb '{1}' notitle, ${0} using 1:2 with points {2} notitle", name,
      look.colour, point_style(look));
}

/// The names of the rows, on the left of the frame, in two lines where one is too narrow; and lines between the rows.
void add_labels(Chart& chart, const AgreementFigure& figure) {
  const double right = chart.frame().left - 12;
  for (size_t i = 0; i < figure.rows.size(); ++i) {
    if (i > 0) {
      const double between = chart.pixel_y(middle_of(figure, i) + 0.5);
      chart.line(chart.frame().left, between, chart.frame().right, between,
                 fmt::format("lw 0.8 lc rgb '{}' back", kLightGrey));
    }
    const std::vector<std::string> lines = wrapped(figure.rows[i].label, right - 10, kSmallFontSize, 2);
    double y = chart.pixel_y(middle_of(figure, i)) + (lines.size() > 1 ? 0.55 * kSmallFontSize : 0);
    for (const std::string& line : lines) {
      chart.text(line, right, y, "right", kSmallFontSize);
      y -= 1.1 * kSmallFontSize;
    }
  }
}

/// The dotted line of the floor and the band of attention's ceiling, each with its name above the frame.
void add_bounds(Chart& chart, const AgreementFigure& figure) {
  const Box& frame = chart.frame();
  const double floor = chart.pixel_x(0), y = frame.top + 10;
  chart.line(floor, frame.bottom, floor, frame.top, fmt::format("{} lc rgb '{}' back", kDotted, kDarkGrey));
  constexpr const char *floor_name = "floor", *ceiling_name = "attention's ceiling";
  chart.text(floor_name, floor, y, "center", kSmallFontSize);
  if (!is_there(figure.ceiling)) return;
  // An interval of no width would be a band that nobody sees.
  const double half = std::max((figure.ceiling.high - figure.ceiling.low) / 2, 0.004),
               centre = (figure.ceiling.high + figure.ceiling.low) / 2;
  chart.add(
      "set object rectangle from first {:.6g}, graph 0 to first {:.6g}, graph 1 behind fc rgb '{}' fs solid noborder\n",
      centre - half, centre + half, kBand);
  const double half_name = text_width(ceiling_name, kSmallFontSize) / 2,
               x = std::min(chart.pixel_x(centre), kCanvasWidth - 10 - half_name);
  if (x - half_name > floor + text_width(floor_name, kSmallFontSize) / 2 + 8) {
    chart.text(ceiling_name, x, y, "center", kSmallFontSize);
  }
}

}  // namespace

DrawnFigure draw(const AgreementFigure& figure, const std::string& alt_text) {
  NOTNOT_CHECK(!figure.rows.empty(), "{}", "a figure of agreement without rows");
  bool has_ceilings = false;
  for (const AgreementFigure::Row& row : figure.rows) {
    for (const Estimate& estimate : {row.agreement, row.ceiling}) check_estimate(estimate, row.label);
    has_ceilings = has_ceilings || is_there(row.ceiling);
  }
  check_estimate(figure.ceiling, "the ceiling of attention");
  std::vector<LegendEntry> legend = {{"with attention", kAgreement}};
  if (has_ceilings) legend.push_back({"with itself, another seed", kCeiling});
  Chart chart({.title = figure.title,
               .x_label = "Kendall's tau-b, mean over the texts",
               .y_label = "",
               .legend = legend,
               .left = 190,
               .right = 578,
               .x = {lowest(figure), 1.03},
               .y = {-0.6, static_cast<double>(figure.rows.size()) - 0.4}});
  chart.add("unset ytics\nset xtics {}\n", lowest(figure) < -0.3 ? 0.5 : 0.2);
  add_bounds(chart, figure);
  add_labels(chart, figure);
  std::string plots = "plot NaN notitle";
  plots += add_estimates(chart, figure, "ceilings", &AgreementFigure::Row::ceiling, kCeiling, -kBeside);
  plots += add_estimates(chart, figure, "agreements", &AgreementFigure::Row::agreement, kAgreement, kBeside);
  chart.add("{}\n", plots);
  return chart.draw(alt_text);
}

}  // namespace notnot
