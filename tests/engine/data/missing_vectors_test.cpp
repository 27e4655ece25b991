// The vectors that are drawn for words which a file of word vectors lacks: the published protocol's N(0, 1).
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "engine/data/word_vectors.h"
#include "engine/math/random.h"

using namespace notnot;

namespace {

/// Rows of `width` values, all zero, of which the file had only those in `found`.
WordVectors vectors(size_t rows, int32_t width, const std::vector<size_t>& found) {
  WordVectors result{.width = width, .found = static_cast<int64_t>(found.size()), .rows = {}, .has = {}};
  result.rows.assign(rows * width, 0.0F);
  result.has.assign(rows, false);
  for (const size_t row : found) result.has[row] = true;
  return result;
}

}  // namespace

TEST_CASE("missing vectors: N(0, 1), each value of its own") {
  constexpr size_t kRows = 2001;
  constexpr int32_t kWidth = 50;
  WordVectors drawn = vectors(kRows, kWidth, {});
  draw_missing(drawn, 10);
  double sum = 0, squares = 0, fourths = 0, neighbours = 0, rows_above = 0;
  for (size_t i = kWidth; i < drawn.rows.size(); ++i) {
    const double value = drawn.rows[i];
    sum += value;
    squares += value * value;
    fourths += value * value * value * value;
    neighbours += value * drawn.rows[i - 1];
    rows_above += value * drawn.rows[i - kWidth];
  }
  // Five standard errors: the variances are 1, 2, 96, 1 and 1.
  const auto n = static_cast<double>((kRows - 1) * kWidth);
  CHECK(std::fabs(sum / n) < 5 / std::sqrt(n));
  CHECK(std::fabs(squares / n - 1) < 5 * std::sqrt(2 / n));
  CHECK(std::fabs(fourths / n - 3) < 5 * std::sqrt(96 / n));
  CHECK(std::fabs(neighbours / n) < 5 / std::sqrt(n));
  CHECK(std::fabs(rows_above / n) < 5 / std::sqrt(n));
}

TEST_CASE("missing vectors: <UNK>, <SOS> and <EOS> are words, too; padding is none; what the file had stays") {
  WordVectors drawn = vectors(7, 3, {5});
  draw_missing(drawn, 10);
  for (size_t row = 0; row < 7; ++row) {
    CAPTURE(row);
    for (size_t i = 3 * row; i < 3 * row + 3; ++i) CHECK((drawn.rows[i] == 0) == (row == 0 || row == 5));
  }
  // The same words drawn beside others: a row depends on its id, not on what else is missing.
  WordVectors more = vectors(9, 3, {});
  draw_missing(more, 10);
  CHECK(std::vector<float>(more.rows.begin() + 18, more.rows.begin() + 21) ==
        std::vector<float>(drawn.rows.begin() + 18, drawn.rows.end()));
}

TEST_CASE("missing vectors: other numbers than those of a random embedding of the same seed") {
  WordVectors drawn = vectors(40, 5, {});
  draw_missing(drawn, 10);
  const Random embedding(10, Purpose::embedding);
  int equal = 0;
  for (size_t i = 5; i < drawn.rows.size(); ++i) equal += drawn.rows[i] == embedding.normal(i) ? 1 : 0;
  CHECK(equal == 0);
}
