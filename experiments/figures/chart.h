#pragma once
// The parts that all figures have: axes, texts and a legend, placed so that none covers another. Positions are in
// pixels from the lower left corner of the canvas (gnuplot.h). gnuplot itself writes the numbers of the y axis, so the
// frame must leave room for them on its left.
#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "experiments/figures/figures.h"
#include "experiments/figures/gnuplot.h"
#include "experiments/figures/label_layout.h"

namespace notnot {

// The palette of Okabe & Ito, whose colours colour-blind people tell apart.
inline constexpr const char *kBlue = "#0072B2", *kOrange = "#E69F00", *kGreen = "#009E73", *kVermillion = "#D55E00",
                            *kPurple = "#CC79A7", *kSky = "#56B4E9", *kBlack = "#000000";
inline constexpr const char *kDarkGrey = "#444444", *kLightGrey = "#dddddd";

/// The shape of a point; each value is gnuplot's number for the shape (`pointtype`).
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

/// How one series of points is drawn.
struct Look {
  const char* colour;
  Mark mark;
  double size;               ///< of a mark, 1 is gnuplot's own
  bool dotted_line = false;  ///< a dotted line joins the points
};

struct LegendEntry {
  std::string text;
  Look look;
  bool box = false;  ///< the sample is a box in the colour of `look` instead of a mark
};

struct Range {
  double low = 0, high = 1;
};

/// One plot: gnuplot's commands, in the order in which they were added.
class Chart {
 public:
  struct Layout {
    std::string title, x_label, y_label;  ///< a long title or x_label is broken into two lines
    std::vector<LegendEntry> legend;      ///< stands above the frame
    double left = 0, right = 0;           ///< x of the frame's sides; bottom and top follow from the texts
    Range x, y;                           ///< of the axes
  };
  explicit Chart(const Layout& layout);

  /// Adds commands of gnuplot: whole lines.
  template <class... Arguments>
  void add(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    commands_ += fmt::format(format, std::forward<Arguments>(arguments)...);
  }
  /// Defines `lines` as the data block $name, which a later `plot` command uses.
  void data(const std::string& name, const std::vector<std::string>& lines);
  /// Writes `text` at x, y in pixels. y is the middle of its height; `place` says which part of it is at x: "left",
  /// "center" or "right". `turn`: gnuplot's option for another direction, such as " rotate by 90".
  void text(const std::string& text, double x, double y, const char* place, double size, const char* turn = "");
  /// Draws a line between two points in pixels; `style`: gnuplot's options for its width, colour and dashes.
  void line(double x1, double y1, double x2, double y2, const std::string& style);

  /// The rectangle that the axes span, in pixels.
  const Box& frame() const { return frame_; }
  /// Where the value x or y of an axis lies, in pixels.
  double pixel_x(double x) const;
  double pixel_y(double y) const;

  /// As draw() of figures.h.
  DrawnFigure draw(const std::string& alt_text) const;

 private:
  void add_title(const std::vector<std::string>& lines);
  void add_legend(const std::vector<std::vector<LegendEntry>>& rows);
  void add_sample(const LegendEntry& entry, double x, double y);
  void add_axes(const Layout& layout, const std::vector<std::string>& x_label);

  Range x_, y_;
  Box frame_;
  std::string commands_;
};

/// `look`'s mark as options of gnuplot's commands `plot` and `set label`.
std::string point_style(const Look& look);
/// A dotted line as options of gnuplot's commands `plot` and `set arrow`.
inline constexpr const char* kDotted = "dt (2,4) lw 2.5";

}  // namespace notnot
