#include "experiments/figures/label_layout.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "experiments/figures/gnuplot.h"

namespace notnot {
namespace {

constexpr Box kFrame = {0, 0, 400, 300};

/// The box of a text at `place`.
Box box_of(const std::string& text, const LabelLayout::Place& place) {
  const double width = text_width(text, kSmallFontSize), half_height = 0.5 * kSmallFontSize;
  const double left = std::strcmp(place.alignment, "left") == 0    ? place.x
                      : std::strcmp(place.alignment, "right") == 0 ? place.x - width
                                                                   : place.x - width / 2;
  return {left, place.y - half_height, left + width, place.y + half_height};
}

bool overlap(const Box& a, const Box& b) {
  return a.left < b.right && b.left < a.right && a.bottom < b.top && b.bottom < a.top;
}

bool inside(const Box& a, const Box& b) {
  return a.left >= b.left && a.right <= b.right && a.bottom >= b.bottom && a.top <= b.top;
}

TEST_CASE("the width of texts") {
  CHECK(text_width("", 10) == 0);
  CHECK(text_width("ii", 10) < text_width("aa", 10));
  CHECK(text_width("aa", 10) < text_width("mm", 10));
  CHECK(text_width("λ", 20) == 2 * text_width("λ", 10));
  CHECK(text_width("漢", 10) == 10);
}

TEST_CASE("texts in lines") {
  using Lines = std::vector<std::string>;
  CHECK(wrapped("", 100, 10, 2).empty());
  CHECK(wrapped(" one  two ", 100, 10, 2) == Lines{"one two"});
  CHECK(wrapped("aaaa bbbb cccc", 60, 10, 2) == Lines{"aaaa bbbb", "cccc"});
  CHECK(wrapped("aaaa bbbb", 60, 10, 1) == Lines{"aaaa bbbb"});
  const Lines cut = wrapped("aaaa bbbb cccc dddd eeee", 60, 10, 2);
  REQUIRE(cut.size() == 2);
  CHECK(cut[0] == "aaaa bbbb");
  CHECK(cut[1].starts_with("cccc"));
  CHECK(cut[1].ends_with("…"));
  CHECK(text_width(cut[1], 10) <= 60);
  CHECK(wrapped("äöüäöüäöüäöüäöü", 60, 10, 1).front().ends_with("…"));
}

TEST_CASE("a free point has its label on the right, one at the right edge on the left") {
  LabelLayout layout(kFrame);
  layout.avoid_marker(100, 100);
  layout.avoid_marker(390, 100);
  const auto right = layout.place("label", 100, 100, false), left = layout.place("label", 390, 100, false);
  REQUIRE(right);
  REQUIRE(left);
  CHECK(right->x > 100);
  CHECK(right->y == 100);
  CHECK_FALSE(right->far);
  CHECK(left->x < 390);
  CHECK(inside(box_of("label", *left), kFrame));
}

TEST_CASE("labels cover neither marks nor lines nor each other") {
  LabelLayout layout(kFrame);
  for (int i = 0; i < 10; ++i) layout.avoid_marker(180 + 5 * i, 150);
  layout.avoid_line(0, 160, 400, 160);
  std::vector<Box> boxes = {{172, 142, 233, 158}, {0, 159.5, 400, 160.5}};
  for (int i = 0; i < 10; ++i) {
    const auto place = layout.place("label", 180 + 5 * i, 150, true);
    REQUIRE(place);
    CHECK(place->far);  // the marks touch each other
    const Box box = box_of("label", *place);
    CHECK(inside(box, kFrame));
    for (const Box& other : boxes) CHECK_FALSE(overlap(box, other));
    boxes.push_back(box);
  }
}

TEST_CASE("a label beside its point is nearer to it than to any other") {
  LabelLayout layout(kFrame);
  for (const double x : {100, 125, 150}) layout.avoid_marker(x, 8);  // at the lower edge: only above is free
  REQUIRE(layout.place("label", 100, 8, false));
  // Above the second point lies the first label, and a place diagonally above it is nearer to the third point.
  CHECK_FALSE(layout.place("label", 125, 8, false));
  CHECK(layout.place("label", 150, 8, false));
}

TEST_CASE("no free place") {
  LabelLayout layout(kFrame);
  layout.avoid({0, 0, 400, 300});
  CHECK_FALSE(layout.place("label", 100, 100, false));
  CHECK_FALSE(layout.place("label", 100, 100, true));
  LabelLayout narrow({0, 0, 20, 300});
  CHECK_FALSE(narrow.place("label", 10, 100, true));
}

TEST_CASE("a line that had to cross something says so") {
  LabelLayout layout(kFrame);
  layout.avoid_marker(100, 100);
  layout.avoid({50, 50, 150, 150});
  const auto place = layout.place("label", 100, 100, true);
  REQUIRE(place);
  CHECK(place->far);
  CHECK(place->crosses);
  CHECK_FALSE(overlap(box_of("label", *place), {50, 50, 150, 150}));
}

TEST_CASE("a mark with another one at it has its label away from both, a free one beside it") {
  LabelLayout layout(kFrame);
  layout.avoid_marker(100, 100);
  layout.avoid_marker(112, 100);
  layout.avoid_marker(300, 200);
  layout.avoid_marker(340, 200);
  const auto crowded = layout.place("label", 100, 100, true), free = layout.place("label", 300, 200, true);
  REQUIRE(crowded);
  REQUIRE(free);
  CHECK(crowded->far);
  CHECK_FALSE(free->far);
}

TEST_CASE("no label covers the line of another one") {
  LabelLayout layout(kFrame);
  std::vector<std::pair<double, double>> points;
  for (int i = 0; i < 12; ++i) points.emplace_back(150 + 9 * i, 150 + 3 * (i % 2));
  for (const auto& point : points) layout.avoid_marker(point.first, point.second);
  std::vector<LabelLayout::Place> places;
  for (const auto& point : points) {
    const auto place = layout.place("a label", point.first, point.second, true);
    if (!place) continue;
    places.push_back(*place);
  }
  REQUIRE(places.size() == points.size());
  for (size_t i = 0; i < places.size(); ++i) {
    const Box box = box_of("a label", places[i]);
    for (size_t k = 0; k < places.size(); ++k) {
      if (k == i || !places[k].far || (k > i && places[k].crosses)) continue;
      for (int step = 0; step <= 100; ++step) {
        const double x = std::lerp(points[k].first, places[k].line_x, step / 100.0),
                     y = std::lerp(points[k].second, places[k].line_y, step / 100.0);
        CHECK_FALSE((x > box.left && x < box.right && y > box.bottom && y < box.top));
      }
    }
  }
}

TEST_CASE("the places beside a mark in their order: right, left, above, below") {
  LabelLayout layout(kFrame);
  layout.avoid_marker(200, 150);
  const auto next = [&] {
    const auto place = layout.place("label", 200, 150, false);
    REQUIRE(place);
    return *place;
  };
  const LabelLayout::Place right = next(), left = next(), above = next(), below = next();
  CHECK(right.x == doctest::Approx(212));  // the mark's half width of 8, and 4 of air
  CHECK(right.y == doctest::Approx(150));
  CHECK(std::string(right.alignment) == "left");
  CHECK(left.x == doctest::Approx(188));
  CHECK(std::string(left.alignment) == "right");
  CHECK(above.x == doctest::Approx(200));
  CHECK(above.y > 162);
  CHECK(std::string(above.alignment) == "center");
  CHECK(below.y < 138);
}

}  // namespace
}  // namespace notnot
