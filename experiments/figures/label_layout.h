#pragma once
// Finds places for the texts of a figure, so that no text covers another. All lengths are pixels of the canvas
// (gnuplot.h); x grows to the right, y upwards.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace notnot {

struct Box {
  double left = 0, bottom = 0, right = 0, top = 0;
};

/// The width of `text` in a font of `font_size` pixels. A generous estimate, as the reader's font is not known.
double text_width(std::string_view text, double font_size);

/// `text` broken at blanks into at most `lines` lines. A line that is wider than `width` pixels is cut and ends in an
/// ellipsis.
std::vector<std::string> wrapped(std::string_view text, double width, double font_size, size_t lines);

/// Places one label after another, each in the best place that is still free.
class LabelLayout {
 public:
  /// Labels stay inside `frame`.
  explicit LabelLayout(const Box& frame) : frame_(frame) {}

  /// No label may cover these places.
  void avoid(const Box& box) { taken_.push_back(box); }
  void avoid_marker(double x, double y);
  void avoid_line(double x1, double y1, double x2, double y2);

  struct Place {
    double x = 0, y = 0;               ///< y: the middle of the text's height
    const char* alignment = "center";  ///< the part of the text that is at x: "left", "center" or "right"
    bool far = false;                  ///< the text is not beside its point, so a line must join the two
    double line_x = 0, line_y = 0;     ///< the line's end at the text; the other end is the point
    bool crosses = false;              ///< the line crosses something, as no other was possible
  };
  /// Takes a free place for `text` beside the point at x, y; nothing if there is none. With `far` the place may also be
  /// farther away, if no place beside the point is free or if other marks are so near that the label could be theirs.
  std::optional<Place> place(std::string_view text, double x, double y, bool far);

 private:
  bool is_free(const Box& box) const;
  bool is_crowded(double x, double y) const;
  bool is_nearest(double x, double y, const Box& box) const;
  bool line_is_free(double x, double y, const Place& place) const;
  /// Searches the rings around the point from number `first` up to, but without, `last`; ring 0 is beside the point.
  /// `may_cross`: the line to the label may cross a taken place.
  std::optional<Place> place_in_rings(double width, double x, double y, int first, int last, bool may_cross);

  Box frame_;
  std::vector<Box> taken_;
  std::vector<Box> marks_;  // the boxes of taken_ that are marks
};

}  // namespace notnot
