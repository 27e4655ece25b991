#pragma once
// Figures of measurements against one size: points joined by dotted lines, the size on a logarithmic axis.
#include <filesystem>
#include <string>
#include <vector>

#include "engine/device/open_device.h"
#include "experiments/figures/chart.h"

namespace notnot::bench {

/// A value, with the range of its measurements.
struct Measured {
  double x = 0, y = 0, low = 0, high = 0;
};

struct Series {
  std::string name;
  Look look;
  std::vector<Measured> points;
};

struct SeriesFigure {
  std::string title, x_label, y_label;
  std::vector<int32_t> tics = {};  ///< the sizes that the x axis names
  std::vector<Series> series = {};
  bool logarithmic_y = false;  ///< for values above 0; otherwise the y axis begins at 0
};

/// Writes the figure as SVG to `path`. Throws InputError as draw() of experiments/figures/figures.h does.
void draw_series(const SeriesFigure& figure, const std::filesystem::path& path);

/// For a title: "cuda:0 (NVIDIA H200)"; for a CPU its name, the kernels' instruction set and the number of threads.
std::string hardware(const OpenDevice& device, int threads);

}  // namespace notnot::bench
