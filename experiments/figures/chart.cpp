#include "experiments/figures/chart.h"

#include <cmath>

namespace notnot {
namespace {

// In pixels.
constexpr double kMargin = 10, kLine = 1.25 * kFontSize;
constexpr double kSample = 26, kGap = 8;  // of a legend entry: the width of its sample, and the gap before its text
constexpr double kTicLabels = 38;         // the height of the x axis' tics and numbers: the x label begins below
constexpr double kAboveFrame = 20;        // between the frame and the legend
constexpr double kTextWidth = kCanvasWidth - 2 * kMargin;

double width_of(const LegendEntry& entry) { return kSample + kGap + text_width(entry.text, kFontSize); }

/// Splits `entries` into rows that are no wider than the canvas; cuts a text that is wider than a row.
std::vector<std::vector<LegendEntry>> in_rows(const std::vector<LegendEntry>& entries) {
  std::vector<std::vector<LegendEntry>> rows;
  double width = 0;
  for (LegendEntry entry : entries) {
    const std::vector<std::string> text = wrapped(entry.text, kTextWidth - kSample - kGap, kFontSize, 1);
    entry.text = text.empty() ? "" : text.front();
    const double needed = width_of(entry) + 2 * kGap;
    if (rows.empty() || width + needed > kTextWidth) {
      rows.emplace_back();
      width = 0;
    }
    width += needed;
    rows.back().push_back(std::move(entry));
  }
  return rows;
}

}  // namespace

std::string point_style(const Look& look) {
  return fmt::format("pt {} ps {}*mark_scale lw 2 lc rgb '{}'", static_cast<int>(look.mark), look.size, look.colour);
}

Chart::Chart(const Layout& layout) : x_(layout.x), y_(layout.y) {
  const std::vector<std::string> title = wrapped(layout.title, kTextWidth, kFontSize, 2);
  const std::vector<std::string> x_label = wrapped(layout.x_label, kTextWidth, kFontSize, 2);
  const auto rows = in_rows(layout.legend);
  const double above = kMargin + kLine * (title.size() + rows.size()) + kAboveFrame;
  const double below = kMargin + kLine * x_label.size() + kTicLabels;
  frame_ = {layout.left, below, layout.right, kCanvasHeight - above};
  add_title(title);
  add_legend(rows);
  add_axes(layout, x_label);
}

void Chart::add_title(const std::vector<std::string>& lines) {
  double y = kCanvasHeight - kMargin - kLine / 2;
  for (const std::string& line : lines) {
    text(line, kCanvasWidth / 2, y, "center", kFontSize);
    y -= kLine;
  }
}

void Chart::add_legend(const std::vector<std::vector<LegendEntry>>& rows) {
  double y = frame_.top + kAboveFrame + kLine * (rows.size() - 0.5);
  for (const auto& row : rows) {
    double width = -2 * kGap;
    for (const LegendEntry& entry : row) width += width_of(entry) + 2 * kGap;
    double x = (kCanvasWidth - width) / 2;
    for (const LegendEntry& entry : row) {
      add_sample(entry, x, y);
      text(entry.text, x + kSample + kGap, y, "left", kFontSize);
      x += width_of(entry) + 2 * kGap;
    }
    y -= kLine;
  }
}

void Chart::add_sample(const LegendEntry& entry, double x, double y) {
  if (entry.box) {
    add("set object rectangle from screen {:.4f},{:.4f} to screen {:.4f},{:.4f} front fc rgb '{}' fs solid border lc "
        "rgb '{}'\n",
        x / kCanvasWidth, (y - kSample / 4) / kCanvasHeight, (x + kSample) / kCanvasWidth,
        (y + kSample / 4) / kCanvasHeight, entry.look.colour, kDarkGrey);
    return;
  }
  if (entry.look.dotted_line) {
    line(x - 2, y, x + kSample + 2, y, fmt::format("{} lc rgb '{}'", kDotted, entry.look.colour));
  }
  add("set label '' at screen {:.4f},{:.4f} front point {}\n", (x + kSample / 2) / kCanvasWidth, y / kCanvasHeight,
      point_style(entry.look));
}

void Chart::add_axes(const Layout& layout, const std::vector<std::string>& x_label) {
  add("set lmargin at screen {:.4f}\nset rmargin at screen {:.4f}\nset bmargin at screen {:.4f}\n"
      "set tmargin at screen {:.4f}\n",
      frame_.left / kCanvasWidth, frame_.right / kCanvasWidth, frame_.bottom / kCanvasHeight,
      frame_.top / kCanvasHeight);
  add("set xrange [{}:{}]\nset yrange [{}:{}]\n", x_.low, x_.high, y_.low, y_.high);
  add("set border 3 lw 1.2\nset tics out nomirror scale 0.5\nset format xy '%g'\nset xtics offset 0,0.3\nset ytics "
      "offset 0.5,0\n"
      "set grid xtics ytics lt 1 lw 0.8 lc rgb '{}'\nunset key\n",
      kLightGrey);
  double y = frame_.bottom - kTicLabels - kLine / 2;
  for (const std::string& part : x_label) {
    text(part, kCanvasWidth / 2, y, "center", kFontSize);
    y -= kLine;
  }
  text(layout.y_label, kMargin + kFontSize / 2, (frame_.bottom + frame_.top) / 2, "center", kFontSize, " rotate by 90");
}

void Chart::data(const std::string& name, const std::vector<std::string>& lines) {
  add("${} << EOD\n{}\nEOD\n", name, fmt::join(lines, "\n"));
}

void Chart::text(const std::string& text, double x, double y, const char* place, double size, const char* turn) {
  add("set label {} at screen {:.4f},{:.4f} {} front font ',{}'{}\n", gnuplot_string(text), x / kCanvasWidth,
      y / kCanvasHeight, place, size, turn);
}

void Chart::line(double x1, double y1, double x2, double y2, const std::string& style) {
  add("set arrow from screen {:.4f},{:.4f} to screen {:.4f},{:.4f} nohead {}\n", x1 / kCanvasWidth, y1 / kCanvasHeight,
      x2 / kCanvasWidth, y2 / kCanvasHeight, style);
}

double Chart::pixel_x(double x) const {
  return std::lerp(frame_.left, frame_.right, (x - x_.low) / (x_.high - x_.low));
}

double Chart::pixel_y(double y) const {
  return std::lerp(frame_.bottom, frame_.top, (y - y_.low) / (y_.high - y_.low));
}

DrawnFigure Chart::draw(const std::string& alt_text) const { return draw_with_gnuplot(commands_, alt_text); }

}  // namespace notnot
