#pragma once
// Where the texts of a figure go, so that none covers another: in pixels of the canvas, x to the right, y upwards.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace notnot {

struct Box {
  double left = 0, bottom = 0, right = 0, top = 0;
};

/// A generous estimate, as the reader's font is not known: `font_size` pixels high.
double text_width(std::string_view text, double font_size);

/// `text` broken at blanks into at most `lines` lines of at most `width` pixels; what does not fit ends in an ellipsis.
std::vector<std::string> wrapped(std::string_view text, double width, double font_size, size_t lines);

class LabelLayout {
 public:
  /// Labels stay inside `frame`.
  explicit LabelLayout(const Box& frame) : frame_(frame) {}

  /// No label may cover these.
  void avoid(const Box& box) { taken_.push_back(box); }
  void avoid_marker(double x, double y);
  void avoid_line(double x1, double y1, double x2, double y2);

  /// As a text is set: its left, centre or right at x, its middle at y.
  struct Place {
    double x = 0, y = 0;
    const char* alignment = "center";
    bool far = false;               ///< not beside its point: needs a line
    double line_x = 0, line_y = 0;  ///< from the point to here
    bool crosses = false;           ///< the line could not avoid what is taken
  };
  /// A free place for `text` beside the point at x, y; from then on it is taken. With `far` also farther away, where
  /// the place beside is taken, or where other marks come so close that nobody could tell whose label it is.
  std::optional<Place> place(std::string_view text, double x, double y, bool far);

 private:
  bool is_free(const Box& box) const;
  bool is_crowded(double x, double y) const;
  bool is_nearest(double x, double y, const Box& box) const;
  bool line_is_free(double x, double y, const Place& place) const;
  /// Rings from `first` to before `last`, number 0 beside the point; whether the line `may_cross` what is taken.
  std::optional<Place> place_in_rings(double width, double x, double y, int first, int last, bool may_cross);

  Box frame_;
  std::vector<Box> taken_;
  std::vector<Box> marks_;  // those of them that are marks
};

}  // namespace notnot
