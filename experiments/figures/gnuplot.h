#pragma once
// Runs the program gnuplot, which turns commands into an SVG and a PDF.
#include <string>
#include <string_view>

#include "experiments/figures/figures.h"

namespace notnot {

/// The size of every figure's canvas and of its texts, in pixels of the SVG at its natural size. The texts are large
/// for this canvas, so that they can still be read when the figure is as narrow as a phone.
inline constexpr double kCanvasWidth = 600, kCanvasHeight = 480;
inline constexpr double kFontSize = 18, kSmallFontSize = 16;

/// `text` as a quoted string of gnuplot's language: gnuplot shows every character as it is. Line ends and other control
/// characters become blanks; bytes that are not UTF-8 are replaced.
std::string gnuplot_string(std::string_view text);

/// Runs `commands`, which set up and plot one figure, twice: once with gnuplot's output set to SVG and once to PDF. A
/// mark of one size has different widths in the two, so `commands` multiply the size of a mark by gnuplot's variable
/// mark_scale. alt_text and errors are those of draw() in figures.h.
DrawnFigure draw_with_gnuplot(const std::string& commands, const std::string& alt_text);

}  // namespace notnot
