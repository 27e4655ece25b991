#pragma once
// The program gnuplot, from a script to two files.
#include <filesystem>
#include <string>
#include <string_view>

namespace notnot {

/// What all figures are drawn on, in the pixels of the SVG at its natural size. Texts are large for it, so that they
/// can be read where the figure is as narrow as a phone.
inline constexpr double kCanvasWidth = 600, kCanvasHeight = 480;
inline constexpr double kFontSize = 18, kSmallFontSize = 16;

/// `text` as a string of gnuplot that stands for nothing but itself; line ends and other control characters are blanks,
/// bytes that are not UTF-8 are replaced.
std::string gnuplot_string(std::string_view text);

/// Runs `commands`, which set up and plot one figure on whatever terminal is set, for SVG and for PDF; they multiply
/// the size of marks with gnuplot's variable mark_scale, as the terminals differ in it. See draw() in
/// figures.h, which says what the files are and what is thrown.
void draw_with_gnuplot(const std::string& commands, const std::filesystem::path& svg, const std::filesystem::path& pdf,
                       const std::string& alt_text);

}  // namespace notnot
