#include "bench/growth_figures.h"

#include <algorithm>

#include "bench/series_figure.h"

namespace notnot::bench {
namespace {

constexpr double kMebibyte = 1 << 20;

Series series_of(const std::string& name, const Look& look, const std::vector<GrowthPoint>& points,
                 const std::function<Measured(const GrowthPoint&)>& measured) {
  Series series{.name = name, .look = look, .points = {}};
  std::transform(points.begin(), points.end(), std::back_inserter(series.points), measured);
  return series;
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

}  // namespace

void draw_growth(const Sweep& sweep, const std::vector<GrowthPoint>& points, const std::string& hardware,
                 const std::filesystem::path& folder) {
  const auto x = [&](const GrowthPoint& point) { return static_cast<double>(point.sizes.*sweep.size); };
  const auto speed = [&](const GrowthPoint& point, const Times& times) {
    return Measured{x(point), 1e-3 * point.speed(times.median()), 1e-3 * point.speed(times.slowest()),
                    1e-3 * point.speed(times.fastest())};
  };
  const auto memory = [&](const GrowthPoint& point, int64_t bytes) {
    const double y = static_cast<double>(bytes) / kMebibyte;
    return Measured{x(point), y, y, y};
  };
  const auto draw = [&](const std::string& y_label, const std::vector<Series>& series, const std::string& stem) {
    draw_series({.title = fmt::format("{}: {}", hardware, fixed_sizes(sweep)),
                 .x_label = sweep.x_label,
                 .y_label = y_label,
                 .tics = sweep.values,
                 .series = series},
                folder / (stem + ".svg"));
  };
  const Look blue{kBlue, Mark::circle, 1, true}, orange{kOrange, Mark::square, 1, true},
      over_another{kVermillion, Mark::plus, 1.6};
  draw("thousand tokens/s",
       {series_of("training", blue, points, [&](const auto& p) { return speed(p, p.training); }),
        series_of("evaluation", orange, points, [&](const auto& p) { return speed(p, p.evaluation); })},
       "growth_" + sweep.name);
  draw("MiB",
       {series_of("memory table", blue, points, [&](const auto& p) { return memory(p, p.table_bytes); }),
        series_of("measured", over_another, points, [&](const auto& p) { return memory(p, p.measured_bytes); })},
       "growth_" + sweep.name + "_memory");
}

}  // namespace notnot::bench
