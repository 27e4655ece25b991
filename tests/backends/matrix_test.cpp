#include "kernels/matrix.h"

#include <cmath>

#include "tests/backends/backend.h"
#include "tests/support/error_model.h"

namespace notnot {
namespace {

struct Extent {
  int rows, columns;
};

TEST_CASE("transpose") {
  const Device device = test_device();
  for (const Extent& extent : {Extent{1, 1}, {1, 40}, {31, 33}, {32, 32}, {300, 7}, {65, 128}}) {
    const int rows = extent.rows, columns = extent.columns;
    CAPTURE(rows);
    CAPTURE(columns);
    const std::vector<float> from = random_floats(int64_t{rows} * columns, 1);
    for (const int gap : {0, 3}) {
      const int stride = rows + gap;
      const DeviceArray<float> source(device, from), to(device, std::vector<float>(columns * stride));
      transpose(device,
                {.rows = rows, .columns = columns, .to_stride = gap == 0 ? 0 : stride, .from = source, .to = to});
      std::vector<float> expected(columns * stride);  // zeros in the gaps stay
      for (int i = 0; i < rows; ++i) {
        for (int j = 0; j < columns; ++j) expected[j * stride + i] = from[i * columns + j];
      }
      check_same_bytes(to.host(), expected, "transpose");
    }
  }
}

TEST_CASE("gather_rows") {
  const Device device = test_device();
  for (const Extent& extent : {Extent{1, 1}, {7, 31}, {8, 32}, {9, 33}, {100, 300}}) {
    const int count = extent.rows, columns = extent.columns;
    CAPTURE(count);
    CAPTURE(columns);
    constexpr int kRows = 13;
    const std::vector<float> from = random_floats(kRows * columns, 2);
    std::vector<int32_t> rows;
    std::vector<float> expected;
    for (int i = 0; i < count; ++i) {
      rows.push_back((i * 5 + 12) % kRows);
      const auto begin = from.begin() + rows.back() * columns;
      expected.insert(expected.end(), begin, begin + columns);
    }
    const DeviceArray<float> source(device, from), to(device, int64_t{count} * columns);
    const DeviceArray<int32_t> indices(device, rows);
    gather_rows(device,
                {.count = count, .columns = columns, .from_rows = kRows, .from = source, .rows = indices, .to = to});
    check_same_bytes(to.host(), expected, "gather_rows");
  }
}

TEST_CASE("row_dot: a row's product with the vector, the same bytes in any company") {
  for (const Extent& extent : {Extent{1, 1}, {7, 31}, {8, 32}, {9, 33}, {100, 300}, {3, 2050}}) {
    const int rows = extent.rows, columns = extent.columns;
    CAPTURE(rows);
    CAPTURE(columns);
    Device device = test_device();
    const std::vector<float> values = random_floats(int64_t{rows} * columns, 6), factors = random_floats(columns, 7);
    const DeviceArray<float> matrix(device, values), vector(device, factors), products(device, rows);
    const auto last = matrix.span().subspan(int64_t{rows - 1} * columns, columns);
    RowDot args = {.rows = rows, .columns = columns, .values = matrix, .vector = vector, .products = products};
    row_dot(device, args);
    std::vector<test::Sum> expected(rows);
    for (size_t i = 0; i < values.size(); ++i) {
      const size_t column = i % columns;
      expected[i / columns].add(double{values[i]} * factors[column]);
    }
    const std::vector<float> together = products.host();
    check_allowed(together, test::allowed_sums("row_dot", expected), "");
    device.threads = 3;
    row_dot(device, args);
    check_same_bytes(products.host(), together, "other threads");
    args.rows = 1;
    args.values = last;
    row_dot(device, args);
    check_same_bytes<float>({products.host()[0]}, {together.back()}, "the last row alone");
  }
}

TEST_CASE("row_norm: no square underflows or overflows, and a row has the same bytes in any company") {
  const Device device = test_device();
  for (const Extent& extent : {Extent{1, 1}, {7, 31}, {9, 33}, {100, 300}}) {
    const int rows = extent.rows, columns = extent.columns;
    std::vector<float> values = random_floats(int64_t{rows} * columns, 8);
    for (int j = 0; j < columns; ++j) values[j] *= 1e-30F;
    for (int j = 0; j < columns && rows > 1; ++j) values[columns + j] *= 1e30F;
    const DeviceArray<float> matrix(device, values), norms(device, rows), alone(device, 1);
    row_norm(device, {.rows = rows, .columns = columns, .values = matrix, .norms = norms});
    const std::vector<float> actual = norms.host();
    for (int i = 0; i < rows; ++i) {
      double squares = 0;
      for (int j = 0; j < columns; ++j) squares += std::pow(double{values[i * columns + j]}, 2);
      CHECK(std::abs(actual[i] / std::sqrt(squares) - 1) <= 0x1p-24);
    }
    const auto last = matrix.span().subspan(int64_t{rows - 1} * columns, columns);
    row_norm(device, {.rows = 1, .columns = columns, .values = last, .norms = alone});
    check_same_bytes(alone.host(), {actual.back()}, "the last row alone");
  }
}

/// Returns `before` plus the sums, after a check that a second array receives the same.
std::vector<float> column_sum_of(const Device& device, int rows, int columns, const std::vector<float>& values,
                                 const std::vector<float>& scale, const std::vector<float>& before) {
  const DeviceArray<float> matrix(device, values), factors(device, scale), sums(device, before), alone(device, before),
      second(device, before), workspace(device, column_sum_workspace(rows, columns));
  ColumnSums args{.parts = {}, .workspace = workspace};
  ColumnSum& part = args.parts[2];  // the others have no rows
  part = {.rows = rows, .columns = columns, .values = matrix, .scale = factors, .sums = sums, .second_sums = second};
  column_sums(device, args);
  check_same_bytes(second.host(), sums.host(), "second_sums");
  part.sums = alone;
  part.second_sums = {};
  column_sums(device, args);
  check_same_bytes(alone.host(), sums.host(), "without second_sums");
  return sums.host();
}

TEST_CASE("column sums of several matrices at once have the bytes of each alone") {
  const Device device = test_device();
  const std::vector<std::pair<int, int>> shapes = {{3, 1}, {2000, 33}, {1, 300}, {1025, 128}};  // rows, columns
  std::vector<DeviceArray<float>> matrices, scales, together, alone;
  ColumnSums args;
  int64_t floats = 0;
  for (const auto& [rows, columns] : shapes) floats = std::max(floats, column_sum_workspace(rows, columns));
  const DeviceArray<float> workspace(device, floats);
  args.workspace = workspace;
  for (size_t i = 0; i < shapes.size(); ++i) {
    const auto& [rows, columns] = shapes[i];
    matrices.emplace_back(device, random_floats(int64_t{rows} * columns, 6 + i));
    scales.emplace_back(device, random_floats(i % 2 == 0 ? 0 : rows, 16 + i));
    for (auto* sums : {&together, &alone}) sums->emplace_back(device, random_floats(columns, 26 + i));
    args.parts[i] = {.rows = rows, .columns = columns, .values = matrices[i], .scale = scales[i], .sums = together[i]};
    ColumnSums one{.parts = {}, .workspace = workspace};
    one.parts[0] = args.parts[i];
    one.parts[0].sums = alone[i];
    column_sums(device, one);
  }
  column_sums(device, args);
  for (size_t i = 0; i < shapes.size(); ++i) check_same_bytes(together[i].host(), alone[i].host(), "together");
}

TEST_CASE("column_sums adds to what is there, in a fixed order") {
  for (const int rows : {1, 63, 64, 65, 1000}) {
    for (const int columns : {1, 128, 130}) {
      for (const bool scaled : {false, true}) {
        CAPTURE(rows);
        CAPTURE(columns);
        CAPTURE(scaled);
        Device device = test_device();
        const std::vector<float> values = random_floats(int64_t{rows} * columns, 3), before = random_floats(columns, 4);
        const std::vector<float> scale = random_floats(scaled ? rows : 0, 5);
        std::vector<test::Sum> expected(columns);
        for (int j = 0; j < columns; ++j) expected[j].add(before[j]);
        for (int i = 0; i < rows; ++i) {
          for (int j = 0; j < columns; ++j) {
            expected[j].add((scaled ? double{scale[i]} : 1.0) * values[i * columns + j]);
          }
        }
        const std::vector<float> sums = column_sum_of(device, rows, columns, values, scale, before);
        check_allowed(sums, test::allowed_sums("column_sums", expected), "");
        for (const int threads : {1, 3, 5}) {
          device.threads = threads;
          check_same_bytes(column_sum_of(device, rows, columns, values, scale, before), sums, "other threads");
        }
      }
    }
  }
}

}  // namespace
}  // namespace notnot
