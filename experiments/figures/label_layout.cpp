#include "experiments/figures/label_layout.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "engine/io/text.h"
#include "experiments/figures/gnuplot.h"

namespace notnot {
namespace {

constexpr double kMarker = 8;  // half the width of a mark with some air, in pixels
constexpr double kPi = std::numbers::pi;

/// The width of a character in units of the font size: narrow and wide letters, and all others.
double character_width(std::string_view character) {
  constexpr std::string_view narrow = " .,:;'|!()[]fijlrt", wide = "mwMW@%";
  if (character.size() > 2) return 1;  // neither Latin, Greek nor Cyrillic: it may be as wide as high
  if (character.size() == 1 && narrow.find(character[0]) != std::string_view::npos) return 0.4;
  if (character.size() == 1 && wide.find(character[0]) != std::string_view::npos) return 0.96;
  return 0.64;
}

Box around(double x, double y) { return {x - kMarker, y - kMarker, x + kMarker, y + kMarker}; }

bool overlap(const Box& a, const Box& b) {
  return a.left < b.right && b.left < a.right && a.bottom < b.top && b.bottom < a.top;
}

/// Points on a line, so near to each other that no text fits between two of them.
std::vector<std::pair<double, double>> along(double x1, double y1, double x2, double y2) {
  constexpr double step = 4;
  const int steps = 1 + static_cast<int>(std::hypot(x2 - x1, y2 - y1) / step);
  std::vector<std::pair<double, double>> points;
  for (int i = 0; i <= steps; ++i) {
    const double share = static_cast<double>(i) / steps;
    points.emplace_back(std::lerp(x1, x2, share), std::lerp(y1, y2, share));
  }
  return points;
}

/// Possible places, best first, for a text of `width` pixels in the direction `angle` from the point at x, y. A ring is
/// a square around the mark, not a circle, because texts are boxes. On ring 0, and on each ring to the left or right of
/// the mark, there is one place. Above and below on the other rings the text may also stand to the left, to the right
/// or in the middle of the line's end.
std::vector<std::pair<LabelLayout::Place, Box>> candidates(double width, double x, double y, int ring, double angle) {
  constexpr double half_height = 0.6 * kSmallFontSize, air = 3;
  const double distance = kMarker + 4 + 16.0 * ring;
  const double dx = std::cos(angle), dy = std::sin(angle);
  const double scale = distance / std::max(std::fabs(dx), std::fabs(dy));
  const double end_x = x + scale * dx, end_y = y + scale * dy;
  const int natural = std::fabs(dx) < 0.5 ? 0 : dx > 0 ? 1 : -1;  // the text's side of the line's end: -1 is its left
  const int level = std::fabs(dy) < 0.5 ? 0 : dy > 0 ? 1 : -1;
  std::vector<std::pair<LabelLayout::Place, Box>> result;
  for (const int side : {natural, 0, -1, 1}) {
    if (side != natural && (level == 0 || ring == 0)) continue;
    const LabelLayout::Place place{.x = end_x + (ring > 0 && level == 0 ? air * side : 0),
                                   .y = end_y + level * half_height,
                                   .alignment = side == 0  ? "center"
                                                : side > 0 ? "left"
                                                           : "right",
                                   .far = ring > 0,
                                   .line_x = end_x,
                                   .line_y = end_y};
    const double left = place.x - width * (1 - side) / 2;
    result.push_back({place, {left, place.y - half_height, left + width, place.y + half_height}});
  }
  return result;
}

std::string shortened(std::string_view text, double width, double font_size) {
  const std::string ellipsis = "…";
  std::string result;
  for (const std::string_view character : split_characters(text)) {
    if (text_width(result, font_size) + text_width(character, font_size) + font_size > width) break;
    result += character;
  }
  return result + ellipsis;
}

}  // namespace

double text_width(std::string_view text, double font_size) {
  double width = 0;
  for (const std::string_view character : split_characters(text)) width += character_width(character);
  return width * font_size;
}

std::vector<std::string> wrapped(std::string_view text, double width, double font_size, size_t lines) {
  const std::string valid = replace_invalid_utf8(text);
  std::vector<std::string> result;
  for (const std::string_view word : split_at_white_space(valid)) {
    const std::string longer = result.empty() ? std::string(word) : result.back() + " " + std::string(word);
    if (!result.empty() && (text_width(longer, font_size) <= width || result.size() == lines)) {
      result.back() = longer;
    } else {
      result.emplace_back(word);
    }
  }
  for (std::string& line : result) {
    if (text_width(line, font_size) > width) line = shortened(line, width, font_size);
  }
  return result;
}

void LabelLayout::avoid_marker(double x, double y) {
  avoid(around(x, y));
  marks_.push_back(around(x, y));
}

void LabelLayout::avoid_line(double x1, double y1, double x2, double y2) {
  for (const auto& [x, y] : along(x1, y1, x2, y2)) avoid({x - 1, y - 1, x + 1, y + 1});
}

bool LabelLayout::is_free(const Box& box) const {
  return box.left >= frame_.left && box.right <= frame_.right && box.bottom >= frame_.bottom && box.top <= frame_.top &&
         std::none_of(taken_.begin(), taken_.end(), [&](const Box& other) { return overlap(box, other); });
}

bool LabelLayout::is_crowded(double x, double y) const {
  const Box wide = {x - 2 * kMarker, y - 2 * kMarker, x + 2 * kMarker, y + 2 * kMarker};
  return std::count_if(marks_.begin(), marks_.end(), [&](const Box& mark) { return overlap(mark, wide); }) > 1;
}

/// Whether no mark is nearer to the middle of `box` than the mark at x, y.
bool LabelLayout::is_nearest(double x, double y, const Box& box) const {
  const double middle_x = (box.left + box.right) / 2, middle_y = (box.bottom + box.top) / 2;
  const double own = std::hypot(middle_x - x, middle_y - y);
  return std::none_of(marks_.begin(), marks_.end(), [&](const Box& mark) {
    return std::hypot(middle_x - mark.left - kMarker, middle_y - mark.bottom - kMarker) < own - 1;
  });
}

/// Whether the line from the point at x, y to its label crosses nothing. Near the point a line may cross other marks,
/// as the point's own mark may touch them.
bool LabelLayout::line_is_free(double x, double y, const Place& place) const {
  const auto points = along(x, y, place.line_x, place.line_y);
  return std::all_of(points.begin(), points.end(), [&](const auto& point) {
    const auto [px, py] = point;
    return std::hypot(px - x, py - y) < 3 * kMarker || is_free({px - 1, py - 1, px + 1, py + 1});
  });
}

std::optional<LabelLayout::Place> LabelLayout::place(std::string_view text, double x, double y, bool far) {
  constexpr int rings = 16;
  const double width = text_width(text, kSmallFontSize);
  if (!far) return place_in_rings(width, x, y, 0, 1, false);
  const int first = is_crowded(x, y) ? 1 : 0;
  const auto place = place_in_rings(width, x, y, first, rings, false);
  return place ? place : place_in_rings(width, x, y, first, rings, true);
}

std::optional<LabelLayout::Place> LabelLayout::place_in_rings(double width, double x, double y, int first, int last,
                                                              bool may_cross) {
  // Directions in eighths of a circle, best first.
  constexpr double directions[] = {0, 4, 2, 6, 1, 3, 7, 5, 0.5, 3.5, 1.5, 2.5, 7.5, 4.5, 6.5, 5.5};
  for (int ring = first; ring < last; ++ring) {
    for (const double direction : directions) {
      for (auto [place, box] : candidates(width, x, y, ring, direction * kPi / 4)) {
        if (!is_free(box) || (place.far ? !may_cross && !line_is_free(x, y, place) : !is_nearest(x, y, box))) continue;
        place.crosses = may_cross;
        avoid(box);
        if (place.far) avoid_line(x, y, place.line_x, place.line_y);
        return place;
      }
    }
  }
  return std::nullopt;
}

}  // namespace notnot
