#include "bench/series_figure.h"

#include <algorithm>
#include <fstream>

#include "engine/io/files.h"

namespace notnot::bench {
namespace {

// A logarithmic axis ends at the outermost points times (or divided by) this; the y axis spans several powers of ten.
constexpr double kMargin = 1.25, kMarginOfY = 2;

std::string tic(int32_t value) {
  return value % 1000 == 0 ? fmt::format("'{}k' {}", value / 1000, value) : fmt::format("{}", value);
}

/// Room for all points with their ranges.
Chart::Layout layout_of(const SeriesFigure& figure) {
  Range x{1e30, 0}, y{1e30, 0};
  std::vector<LegendEntry> legend;
  for (const Series& series : figure.series) {
    legend.push_back({.text = series.name, .look = series.look});
    for (const Measured& point : series.points) {
      x = {std::min(x.low, point.x), std::max(x.high, point.x)};
      y = {std::min(y.low, point.low), std::max(y.high, point.high)};
    }
  }
  return {.title = figure.title,
          .x_label = figure.x_label,
          .y_label = figure.y_label,
          .legend = legend,
          .left = 90,
          .right = kCanvasWidth - 20,
          .x = {x.low / kMargin, x.high * kMargin},
          .y = figure.logarithmic_y ? Range{y.low / kMarginOfY, y.high * kMarginOfY} : Range{0, y.high * 1.1}};
}

/// Defines the data of a series and returns what gnuplot's command `plot` says of it.
std::vector<std::string> add_series(Chart& chart, const Series& series, const std::string& block) {
  const Look& look = series.look;
  std::vector<std::string> lines, bars, plots;
  for (const Measured& point : series.points) {
    lines.push_back(fmt::format("{:.6g} {:.6g}", point.x, point.y));
    if (point.low < point.high)
      bars.push_back(fmt::format("{0:.6g} {1:.6g}\n{0:.6g} {2:.6g}\n", point.x, point.low, point.high));
  }
  chart.data(block, lines);
  if (!bars.empty()) {
    chart.data(block + "_bars", bars);
    plots.push_back(fmt::format("${}_bars using 1:2 with lines lw 1.2 lc rgb '{}'", block, look.colour));
  }
  if (look.dotted_line) {
    plots.push_back(fmt::format("${} using 1:2 with lines {} lc rgb '{}'", block, kDotted, look.colour));
  }
  plots.push_back(fmt::format("${} using 1:2 with points {}", block, point_style(look)));
  return plots;
}

}  // namespace

void draw_series(const SeriesFigure& figure, const std::filesystem::path& path) {
  Chart chart(layout_of(figure));
  std::vector<std::string> tic_texts;
  std::transform(figure.tics.begin(), figure.tics.end(), std::back_inserter(tic_texts), tic);
  chart.add("set logscale {}\nset xtics ({})\n", figure.logarithmic_y ? "xy" : "x", fmt::join(tic_texts, ", "));
  std::vector<std::string> plots;
  for (size_t i = 0; i < figure.series.size(); ++i) {
    const std::vector<std::string> of_series = add_series(chart, figure.series[i], fmt::format("series{}", i));
    plots.insert(plots.end(), of_series.begin(), of_series.end());
  }
  chart.add("plot {}\n", fmt::join(plots, ", "));
  const std::string alt_text = fmt::format("{} against {}: {}", figure.y_label, figure.x_label, figure.title);
  write_atomically(path, chart.draw(alt_text).svg);
}

std::string hardware(const OpenDevice& device, int threads) {
  if (device.get().backend == Backend::cuda) return device.description();
  std::ifstream file("/proc/cpuinfo");
  std::string line, name;
  while (name.empty() && std::getline(file, line)) {
    if (line.starts_with("model name")) name = line.substr(line.find(':') + 2) + ", ";
  }
  return fmt::format("{}{}, {} thread{}", name, device.description(), threads, threads == 1 ? "" : "s");
}

}  // namespace notnot::bench
