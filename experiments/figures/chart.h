#pragma once
// What every figure shares: axes, texts and a legend, laid out in pixels so that none covers another.
#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "experiments/figures/figures.h"
#include "experiments/figures/gnuplot.h"
#include "experiments/figures/label_layout.h"

namespace notnot {

// Okabe & Ito's palette.
inline constexpr const char *kBlue = "#0072B2", *kOrange = "#E69F00", *kGreen = "#009E73", *kVermillion = "#D55E00",
                            *kPurple = "#CC79A7", *kSky = "#56B4E9", *kBlack = "#000000";
inline constexpr const char *kDarkGrey = "#444444", *kLightGrey = "#dddddd";

/// gnuplot's numbers of marks.
enum class Mark : uint8_t {
  plus = 1,
  open_square = 4,
  square = 5,
  open_circle = 6,
  circle = 7,
  open_triangle = 8,
  triangle = 9,
  open_triangle_down = 10,
  triangle_down = 11,
  open_diamond = 12,
  diamond = 13
};

struct Look {
  const char* colour;
  Mark mark;
  double size;
  bool dotted_line = false;
};

struct LegendEntry {
  std::string text;
  Look look;
  bool box = false;  ///< a box of look's colour instead of a mark
};

struct Range {
  double low = 0, high = 1;
};

/// The commands of one plot, in the order they are added.
class Chart {
 public:
  struct Layout {
    std::string title, x_label, y_label;  ///< title and x_label: broken into two lines where they are long
    std::vector<LegendEntry> legend;      ///< above the frame
    double left = 0, right = 0;           ///< of the frame; the other sides follow from the texts
    Range x, y;
  };
  explicit Chart(const Layout& layout);

  template <class... Arguments>
  void add(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    commands_ += fmt::format(format, std::forward<Arguments>(arguments)...);
  }
  /// The data block $name.
  void data(const std::string& name, const std::vector<std::string>& lines);
  /// x, y in pixels, y the middle of the line; `place`: "left", "center" or "right" of the text is at x.
  void text(const std::string& text, double x, double y, const char* place, double size, const char* turn = "");
  /// A line without arrow heads, in pixels; `style`: gnuplot's.
  void line(double x1, double y1, double x2, double y2, const std::string& style);

  const Box& frame() const { return frame_; }
  double pixel_x(double x) const;
  double pixel_y(double y) const;

  FigureFiles write(const std::filesystem::path& folder, const std::string& stem, const std::string& alt_text) const;

 private:
  void add_title(const std::vector<std::string>& lines);
  void add_legend(const std::vector<std::vector<LegendEntry>>& rows);
  void add_sample(const LegendEntry& entry, double x, double y);
  void add_axes(const Layout& layout, const std::vector<std::string>& x_label);

  Range x_, y_;
  Box frame_;
  std::string commands_;
};

/// Of gnuplot's `plot` and `set label`.
std::string point_style(const Look& look);
inline constexpr const char* kDotted = "dt (2,4) lw 2.5";

}  // namespace notnot
