#include "bench/growth_figures.h"

#include <algorithm>

#include "engine/io/files.h"
#include "experiments/figures/chart.h"

namespace notnot::bench {
namespace {

constexpr double kMebibyte = 1 << 20;
constexpr double kMargin = 1.25;  // the axis ends at the outermost points times (or divided by) this

/// A value, with the range of its measurements.
struct Mark {
  double x = 0, y = 0, low = 0, high = 0;
};

struct Series {
  std::string name;
  Look look;
  std::vector<Mark> marks;
};

Series series_of(const std::string& name, const Look& look, const std::vector<GrowthPoint>& points,
                 const std::function<Mark(const GrowthPoint&)>& mark) {
  Series series{.name = name, .look = look, .marks = {}};
  std::transform(points.begin(), points.end(), std::back_inserter(series.marks), mark);
  return series;
}

std::string tic(int32_t value) {
  return value % 1000 == 0 ? fmt::format("'{}k' {}", value / 1000, value) : fmt::format("{}", value);
}

void draw_series(const Chart::Layout& layout, const std::vector<int32_t>& tics, const std::vector<Series>& all,
                 const std::filesystem::path& folder, const std::string& stem) {
  Chart chart(layout);
  std::vector<std::string> tic_texts;
  std::transform(tics.begin(), tics.end(), std::back_inserter(tic_texts), tic);
  chart.add("set logscale x\nset xtics ({})\n", fmt::join(tic_texts, ", "));
  std::vector<std::string> plots;
  for (size_t i = 0; i < all.size(); ++i) {
    const Look& look = all[i].look;
    std::vector<std::string> lines, bars;
    for (const Mark& mark : all[i].marks) {
      lines.push_back(fmt::format("{:.6g} {:.6g}", mark.x, mark.y));
      if (mark.low < mark.high)
        bars.push_back(fmt::format("{0:.6g} {1:.6g}\n{0:.6g} {2:.6g}\n", mark.x, mark.low, mark.high));
    }
    const std::string block = fmt::format("series{}", i);
    chart.data(block, lines);
    if (!bars.empty()) {
      chart.data(block + "_bars", bars);
      plots.push_back(fmt::format("${}_bars using 1:2 with lines lw 1.2 lc rgb '{}'", block, look.colour));
    }
    if (look.dotted_line) {
      plots.push_back(fmt::format("${} using 1:2 with lines {} lc rgb '{}'", block, kDotted, look.colour));
    }
    plots.push_back(fmt::format("${} using 1:2 with points {}", block, point_style(look)));
  }
  chart.add("plot {}\n", fmt::join(plots, ", "));
  const std::string alt_text = fmt::format("{} against {}: {}", layout.y_label, layout.x_label, layout.title);
  write_atomically(folder / (stem + ".svg"), chart.draw(alt_text).svg);
}

/// The sizes that do not vary, in words.
std::string fixed_sizes(const Sweep& sweep) {
  const GrowthSizes base;
  std::vector<std::string> texts;
  if (sweep.size != &GrowthSizes::tokens) texts.push_back(fmt::format("{} words a text", base.tokens));
  if (sweep.size != &GrowthSizes::batch) texts.push_back(fmt::format("batches of {}", base.batch));
  if (sweep.size != &GrowthSizes::models) texts.push_back(fmt::format("{} model", base.models));
  if (sweep.size != &GrowthSizes::vocabulary) texts.push_back(fmt::format("vocabulary {}", base.vocabulary));
  return fmt::format("{}", fmt::join(texts, ", "));
}

void draw_figure(const Sweep& sweep, const std::string& y_label, const std::vector<Series>& all,
                 const std::string& hardware, const std::filesystem::path& folder, const std::string& stem) {
  double highest = 0, left = 1e30, right = 0;
  for (const Series& series : all) {
    for (const Mark& mark : series.marks) {
      highest = std::max(highest, mark.high);
      left = std::min(left, mark.x);
      right = std::max(right, mark.x);
    }
  }
  Chart::Layout layout{.title = fmt::format("{}: {}", hardware, fixed_sizes(sweep)),
                       .x_label = sweep.x_label,
                       .y_label = y_label,
                       .legend = {},
                       .left = 90,
                       .right = kCanvasWidth - 20,
                       .x = {left / kMargin, right * kMargin},
                       .y = {0, highest * 1.1}};
  for (const Series& series : all) layout.legend.push_back({.text = series.name, .look = series.look});
  draw_series(layout, sweep.values, all, folder, stem);
}

}  // namespace

void draw_growth(const Sweep& sweep, const std::vector<GrowthPoint>& points, const std::string& hardware,
                 const std::filesystem::path& folder) {
  const auto x = [&](const GrowthPoint& point) { return static_cast<double>(point.sizes.*sweep.size); };
  const auto speed = [&](const GrowthPoint& point, const Times& times) {
    return Mark{x(point), 1e-3 * point.speed(times.median()), 1e-3 * point.speed(times.slowest()),
                1e-3 * point.speed(times.fastest())};
  };
  const auto memory = [&](const GrowthPoint& point, int64_t bytes) {
    const double y = static_cast<double>(bytes) / kMebibyte;
    return Mark{x(point), y, y, y};
  };
  const Look blue{kBlue, notnot::Mark::circle, 1, true}, orange{kOrange, notnot::Mark::square, 1, true},
      over_another{kVermillion, notnot::Mark::plus, 1.6};
  draw_figure(sweep, "thousand tokens/s",
              {series_of("training", blue, points, [&](const auto& p) { return speed(p, p.training); }),
               series_of("evaluation", orange, points, [&](const auto& p) { return speed(p, p.evaluation); })},
              hardware, folder, "growth_" + sweep.name);
  draw_figure(sweep, "MiB",
              {series_of("memory table", blue, points, [&](const auto& p) { return memory(p, p.table_bytes); }),
               series_of("measured", over_another, points, [&](const auto& p) { return memory(p, p.measured_bytes); })},
              hardware, folder, "growth_" + sweep.name + "_memory");
}

}  // namespace notnot::bench
