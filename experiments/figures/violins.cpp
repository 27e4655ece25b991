// The paper's Figure 3.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/math/statistics.h"
#include "experiments/figures/chart.h"
#include "experiments/figures/figures.h"
#include "experiments/figures/gnuplot.h"
#include "kernels/base/error.h"

namespace notnot {
namespace {

constexpr int kBins = 4;

struct Group {
  std::vector<double> values;
  Violin violin;
};
using Groups = std::array<std::array<Group, 2>, kBins>;  // [bin][predicted class]

Groups group(const ViolinFigure& figure) {
  const size_t n = figure.divergence.size();
  NOTNOT_CHECK(figure.largest_attention.size() == n && figure.predicted.size() == n,
               "{} divergences, {} attentions and {} predictions", n, figure.largest_attention.size(),
               figure.predicted.size());
  NOTNOT_CHECK(figure.low < figure.high, "the range of the divergence is from {} to {}", figure.low, figure.high);
  Groups groups;
  for (size_t i = 0; i < n; ++i) {
    const double largest = figure.largest_attention[i];
    NOTNOT_CHECK(largest >= 0 && largest <= 1, "attention {} of {} is {}", i, n, largest);
    NOTNOT_CHECK(figure.predicted[i] == 0 || figure.predicted[i] == 1, "prediction {} of {} is {}", i, n,
                 figure.predicted[i]);
    const size_t bin = std::min<size_t>(largest * kBins, kBins - 1);
    groups[bin][figure.predicted[i]].values.push_back(figure.divergence[i]);
  }
  for (auto& bin : groups) {
    for (Group& one : bin) one.violin = violin(one.values, figure.low, figure.high);
  }
  return groups;
}

// On the y axis a bin is 1 high and has its middle at its number; class 0 stands above class 1.
constexpr double kViolinHalf = 0.21;  // half of a violin's height where it is highest
constexpr double centre(size_t bin, size_t predicted) { return bin + (predicted == 0 ? 0.23 : -0.23); }

/// Half the height of `violin` at x, between its grid points by linear interpolation.
double half_height(const Violin& violin, double x) {
  const double step = (violin.grid.back() - violin.grid.front()) / (kViolinPoints - 1);
  const auto i = std::min<size_t>(std::max(0.0, (x - violin.grid.front()) / step), violin.grid.size() - 2);
  const double density = std::lerp(violin.density[i], violin.density[i + 1], (x - violin.grid[i]) / step);
  return kViolinHalf * density / *std::max_element(violin.density.begin(), violin.density.end());
}

/// Adds the data of one violin: its outline, from left to right below `middle` and back above it, and its quartiles as
/// lines across. A violin without a shape (see violin() in statistics.h) becomes points.
void add_violin(Chart& chart, const std::string& name, const Group& group, double middle) {
  const Violin& violin = group.violin;
  if (violin.grid.empty()) {
    std::vector<std::string> points;
    for (const double value : group.values) points.push_back(fmt::format("{:.6g} {:.6g}", value, middle));
    chart.data(name, points);
    return;
  }
  std::vector<std::string> outline;
  for (const double x : violin.grid) {
    outline.push_back(fmt::format("{:.6g} {:.6g}", x, middle - half_height(violin, x)));
  }
  for (size_t i = violin.grid.size(); i-- > 0;) {
    const double x = violin.grid[i];
    outline.push_back(fmt::format("{:.6g} {:.6g}", x, middle + half_height(violin, x)));
  }
  outline.push_back(outline.front());
  chart.data(name, outline);
  for (const auto& [suffix, values] : {std::pair{"_median", std::vector{violin.median}},
                                       {"_quartiles", std::vector{violin.lower_quartile, violin.upper_quartile}}}) {
    std::vector<std::string> lines;
    for (const double x : values) {
      const double half = half_height(violin, x);
      lines.push_back(fmt::format("{:.6g} {:.6g}\n{:.6g} {:.6g}\n", x, middle - half, x, middle + half));
    }
    chart.data(name + suffix, lines);
  }
}

/// How the violins of one predicted class are drawn.
struct ClassLook {
  Look shape;
  const char* quartiles;  ///< colour of their lines, to be seen on the colour of the shape
};
constexpr ClassLook kClassLooks[] = {{{kOrange, Mark::circle, 1}, kBlack}, {{kBlue, Mark::triangle, 1.1}, "#ffffff"}};

/// The part of the `plot` command that draws the data of add_violin().
std::string plot_of_violin(const std::string& name, const Group& group, const ClassLook& look) {
  if (group.values.empty()) return "";
  if (group.violin.grid.empty()) {
    return fmt::format(", ${} using 1:2 with points {} notitle", name, point_style(look.shape));
  }
  return fmt::format(
      ", ${0} using 1:2 with filledcurves closed fc rgb '{1}' fs solid noborder notitle"
      ", ${0} using 1:2 with lines lw 1 lc rgb '{2}' notitle"
      ", ${0}_quartiles using 1:2 with lines lw 1.5 dt (2,2) lc rgb '{3}' notitle"
      ", ${0}_median using 1:2 with lines lw 2.5 lc rgb '{3}' notitle",
      name, look.shape.colour, kDarkGrey, look.quartiles);
}

Chart violin_chart(const ViolinFigure& figure) {
  const double air = 0.02 * (figure.high - figure.low);
  Chart chart({.title = figure.title,
               .x_label = figure.x_label,
               .y_label = "Largest base attention",
               .legend = {{figure.of_class + " " + figure.classes[0], kClassLooks[0].shape, true},
                          {figure.of_class + " " + figure.classes[1], kClassLooks[1].shape, true}},
               .left = 122,
               .right = 535,
               .x = {figure.low - air, figure.high + air},
               .y = {-0.55, kBins - 0.45}});
  chart.add("set grid noytics\nset ytics ('0–0.25' 0, '0.25–0.5' 1, '0.5–0.75' 2, '0.75–1' 3) scale 0\n");
  if (figure.high == std::numbers::ln2) chart.add("set xtics 0,0.1,0.6\nset xtics add ('ln 2' {})\n", figure.high);
  for (const double between : {0.5, 1.5, 2.5}) {
    const double y = chart.pixel_y(between);
    chart.line(chart.frame().left, y, chart.frame().right, y, "lw 0.8 lc rgb '#bbbbbb'");
  }
  return chart;
}

}  // namespace

DrawnFigure draw(const ViolinFigure& figure, const std::string& alt_text) {
  const Groups groups = group(figure);
  Chart chart = violin_chart(figure);
  constexpr double count_column = kCanvasWidth - 10;
  chart.text("n", count_column, chart.frame().top + 10, "right", kSmallFontSize);
  std::string plots = "plot NaN notitle";
  for (size_t predicted = 0; predicted < 2; ++predicted) {
    for (size_t bin = 0; bin < kBins; ++bin) {
      const Group& one = groups[bin][predicted];
      const double middle = centre(bin, predicted);
      const std::string name = fmt::format("violin{}{}", bin, predicted);
      add_violin(chart, name, one, middle);
      plots += plot_of_violin(name, one, kClassLooks[predicted]);
      chart.text(fmt::format("{}", one.values.size()), count_column, chart.pixel_y(middle), "right", kSmallFontSize);
    }
  }
  chart.add("{}\n", plots);
  return chart.draw(alt_text);
}

}  // namespace notnot
