#pragma once
// What a figure shows, read back from its SVG: marks, lines, areas and texts, in pixels and in the units of the axes.
// The units follow from the numbers that stand at the tics, so a test compares with the figure's input what a reader
// of the figure sees.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <numbers>
#include <string>
#include <vector>

namespace notnot {

struct Point {
  double x = 0, y = 0;
};
using Line = std::vector<Point>;

/// The shapes of gnuplot's marks, as its SVG numbers them.
enum class Shape {
  plus = 0,
  open_square = 3,
  square = 4,
  open_circle = 5,
  circle = 6,
  open_triangle = 7,
  triangle = 8,
  open_triangle_down = 9,
  triangle_down = 10,
  open_diamond = 11,
  diamond = 12
};

struct DrawnMark {
  Shape shape;
  std::string colour;
  Point at;  ///< in pixels
  double size = 0;
};

/// Lines of one colour and width; in pixels.
struct DrawnLines {
  std::string colour;
  double width = 0;
  bool dashed = false;
  std::vector<Line> lines;
};

struct DrawnArea {
  std::string colour;
  Line outline;  ///< in pixels
};

struct DrawnText {
  std::string text;
  Point at;  ///< in pixels, on the text's base line
  std::string anchor;
  bool turned = false;
};

class Drawing {
 public:
  explicit Drawing(const std::string& svg) { read(svg); }

  std::vector<DrawnMark> marks;
  std::vector<DrawnLines> lines;  ///< without the grid and the border
  std::vector<DrawnArea> areas;
  std::vector<DrawnText> texts;
  double left = 0, right = 0, bottom = 0, top = 0;  ///< of the frame, in pixels

  /// A point in the units of the axes.
  Point in_units(const Point& at) const { return {x_.value(at.x), y_.value(at.y)}; }
  double x_in_units(double pixel) const { return x_.value(pixel); }
  Line in_units(const Line& line) const {
    Line result;
    for (const Point& at : line) result.push_back(in_units(at));
    return result;
  }
  Point in_pixels(const Point& value) const { return {x_.pixel(value.x), y_.pixel(value.y)}; }
  /// The marks that lie inside the frame; those of the legend lie above it.
  std::vector<DrawnMark> points() const {
    std::vector<DrawnMark> result;
    for (const DrawnMark& mark : marks) {
      if (mark.at.y >= top - 1) result.push_back(mark);
    }
    return result;
  }
  /// The only text with these words.
  const DrawnText& text(const std::string& words) const {
    const DrawnText* found = nullptr;
    for (const DrawnText& each : texts) {
      if (each.text != words) continue;
      REQUIRE_MESSAGE(found == nullptr, words << " stands there twice");
      found = &each;
    }
    REQUIRE_MESSAGE(found != nullptr, words << " is missing");
    return *found;
  }
  bool has_text(const std::string& words) const {
    return std::any_of(texts.begin(), texts.end(), [&](const DrawnText& each) { return each.text == words; });
  }
  /// The mark in the legend to the left of the entry `words`.
  const DrawnMark& sample(const std::string& words) const {
    const DrawnText& entry = text(words);
    const DrawnMark* best = nullptr;
    for (const DrawnMark& mark : marks) {
      const bool beside = mark.at.x < entry.at.x && std::fabs(mark.at.y - entry.at.y) < 10;
      if (beside && (best == nullptr || mark.at.x > best->at.x)) best = &mark;
    }
    REQUIRE_MESSAGE(best != nullptr, words << " has no mark");
    return *best;
  }

 private:
  /// From pixels to the units of an axis, by two of its tics.
  struct Axis {
    std::vector<std::pair<double, double>> tics;  ///< pixel, value
    double value(double pixel) const {
      REQUIRE(tics.size() >= 2);
      const auto [p0, v0] = tics.front();
      const auto [p1, v1] = tics.back();
      return v0 + (pixel - p0) * (v1 - v0) / (p1 - p0);
    }
    double pixel(double value) const {
      REQUIRE(tics.size() >= 2);
      const auto [p0, v0] = tics.front();
      const auto [p1, v1] = tics.back();
      return p0 + (value - v0) * (p1 - p0) / (v1 - v0);
    }
  };

  static std::string attribute(const std::string& tag, const std::string& name) {
    for (const char* assignment : {"=", " = "}) {
      const size_t at = tag.find(" " + name + assignment);
      if (at == std::string::npos) continue;
      const size_t quote = tag.find_first_of("'\"", at);
      return tag.substr(quote + 1, tag.find(tag[quote], quote + 1) - quote - 1);
    }
    return "";
  }
  /// "rgb(  0, 114, 178)" as "#0072B2".
  static std::string hex(const std::string& colour) {
    int r = 0, g = 0, b = 0;
    if (std::sscanf(colour.c_str(), "rgb(%d,%d,%d)", &r, &g, &b) != 3) return colour;
    return fmt::format("#{:02X}{:02X}{:02X}", r, g, b);
  }
  static std::vector<Line> paths(const std::string& d) {
    std::vector<Line> result;
    for (size_t i = 0; i < d.size();) {
      if (d[i] == 'M') result.emplace_back();
      if (std::isdigit(static_cast<unsigned char>(d[i])) == 0 && d[i] != '-') {
        ++i;
        continue;
      }
      if (result.empty()) result.emplace_back();  // a polygon has no M
      char* end = nullptr;
      const double x = std::strtod(d.c_str() + i, &end), y = std::strtod(end + 1, &end);
      result.back().push_back({x, y});
      i = end - d.c_str();
    }
    return result;
  }
  static double value_of(const std::string& tic) {
    static const std::map<std::string, double> words = {
        {"ln 2", std::numbers::ln2}, {"0–0.25", 0}, {"0.25–0.5", 1}, {"0.5–0.75", 2}, {"0.75–1", 3}};
    const auto found = words.find(tic);
    return found == words.end() ? std::stod(tic) : found->second;
  }

  void add_path(const std::string& tag, double width) {
    std::vector<Line> read = paths(attribute(tag, "d"));
    if (attribute(tag, "stroke") == "black" && read.front().size() == 3) {  // down the left side, along the lower one
      const Line& border = read.front();
      left = border[1].x, bottom = border[1].y, top = border[0].y, right = border[2].x;
    } else if (tag.find("class=\"gridline\"") == std::string::npos) {
      lines.push_back(
          {hex(attribute(tag, "stroke")), width, tag.find("dasharray") != std::string::npos, std::move(read)});
    }
  }
  void add_text(const std::string& place, const std::string& words) {
    DrawnText text{.text = words.substr(std::min(words.find_first_not_of(' '), words.size())),
                   .at = {},
                   .anchor = attribute(place, "text-anchor"),
                   .turned = place.find("rotate") != std::string::npos};
    const std::string move = attribute(place, "transform");
    REQUIRE(std::sscanf(move.c_str(), "translate(%lf,%lf)", &text.at.x, &text.at.y) == 2);
    texts.push_back(text);
  }
  /// The text behind a short black line, or behind a single point, is the number of a tic.
  void add_tic(const std::string& path, const std::string& words) {
    const std::vector<Line> read = paths(attribute(path, "d"));
    const Line& tic = read.front();
    if (tic.size() > 2) return;
    Axis& axis = tic.front().y == tic.back().y ? y_ : x_;
    axis.tics.emplace_back(&axis == &y_ ? tic.front().y : tic.front().x, value_of(words));
  }
  void read(const std::string& svg) {
    double width = 0;
    std::string place, tic;
    for (size_t at = svg.find("</defs>"); at != std::string::npos; at = svg.find('<', at + 1)) {
      const std::string tag = svg.substr(at, svg.find('>', at) - at);
      if (tag.starts_with("<g ") && tag.find("stroke-width") != std::string::npos) {
        width = std::stod(attribute(tag, "stroke-width"));
        tic.clear();
      }
      if (tag.starts_with("<g transform")) place = tag;
      if (tag.starts_with("<path")) add_path(tag, width), tic = tag;
      if (tag.starts_with("<polygon")) {
        areas.push_back({hex(attribute(tag, "fill")), paths(attribute(tag, "points")).front()});
      }
      if (tag.starts_with("<use")) {
        DrawnMark mark{
            static_cast<Shape>(std::stoi(attribute(tag, "xlink:href").substr(5))), hex(attribute(tag, "color")), {}};
        REQUIRE(std::sscanf(attribute(tag, "transform").c_str(), "translate(%lf,%lf) scale(%lf)", &mark.at.x,
                            &mark.at.y, &mark.size) == 3);
        marks.push_back(mark);
      }
      if (tag.starts_with("<text") || tag.starts_with("<tspan")) {
        const size_t begin = svg.find('>', at) + 1;
        const std::string words = svg.substr(begin, svg.find('<', begin) - begin);
        if (words.find_first_not_of(" \n\t") == std::string::npos) continue;
        add_text(place, words);
        if (attribute(tic, "stroke") == "black") add_tic(tic, texts.back().text);
        tic.clear();
      }
    }
  }

  Axis x_, y_;
};

}  // namespace notnot
