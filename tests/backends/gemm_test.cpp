#include "kernels/gemm.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "tests/backends/backend.h"
#include "tests/support/error_model.h"

namespace notnot {
namespace {

using test::allowed_sums;
using test::check_allowed;
using test::Sum;

struct ProductShape {
  int rows, inner, columns;
};

/// Where a, b and c begin, in elements behind an aligned address.
using Begins = std::array<int, 3>;
const std::vector<Begins> kBegins = {{0, 0, 0}, {1, 0, 0}, {0, 2, 0}, {0, 0, 3}, {2, 2, 2}};

/// A matrix on the device that begins there.
struct Placed {
  Placed(const Device& device, int begin, std::vector<float> values) : size(values.size()), begins(begin) {
    values.insert(values.begin(), begin, std::numeric_limits<float>::quiet_NaN());
    array.emplace(device, values);
  }
  Span<float> span() const { return array->span().subspan(begins, size); }
  std::vector<float> host() const {
    const std::vector<float> all = array->host();
    return {all.begin() + begins, all.end()};
  }
  int64_t size;
  int begins;
  std::optional<DeviceArray<float>> array;
};

// The padded rows are filled with NaN, which must not reach the rows that count.
std::vector<float> matmul_of(const Device& device, int rows, int inner, int columns, const std::vector<float>& a,
                             const std::vector<float>& b, const std::vector<float>& before = {}, int b_stride = 0,
                             const Begins& begins = {}) {
  std::vector<float> padded_a = head(a, int64_t{rows} * inner), padded_c = before;
  padded_a.resize(padded_rows(rows) * inner, std::numeric_limits<float>::quiet_NaN());
  padded_c.resize(padded_rows(rows) * columns, std::numeric_limits<float>::quiet_NaN());
  const Placed device_a(device, begins[0], padded_a), device_b(device, begins[1], b),
      device_c(device, begins[2], padded_c);
  matmul(device, {.rows = rows,
                  .inner = inner,
                  .columns = columns,
                  .b_stride = b_stride,
                  .a = device_a.span(),
                  .b = device_b.span(),
                  .c = device_c.span(),
                  .accumulate = !before.empty()});
  return head(device_c.host(), int64_t{rows} * columns);
}

TEST_CASE("matmul against double, wherever the matrices begin") {
  for (const ProductShape& shape :
       {ProductShape{1, 1, 1}, {2, 5, 3}, {31, 300, 64}, {32, 128, 256}, {33, 7, 130}, {70, 300, 1024}}) {
    const int rows = shape.rows, inner = shape.inner, columns = shape.columns;
    for (const bool accumulate : {false, true}) {
      CAPTURE(rows);
      CAPTURE(inner);
      CAPTURE(columns);
      CAPTURE(accumulate);
      const std::vector<float> a = random_floats(int64_t{rows} * inner, 1),
                               b = random_floats(int64_t{inner} * columns, 2);
      const std::vector<float> before = random_floats(accumulate ? int64_t{rows} * columns : 0, 3);
      std::vector<Sum> sums(rows * columns);
      for (int i = 0; i < rows; ++i) {
        for (int j = 0; j < columns; ++j) {
          const int at = i * columns + j;
          if (accumulate) sums[at].add(before[at]);
          for (int k = 0; k < inner; ++k) sums[at].add(double{a[i * inner + k]} * b[k * columns + j]);
        }
      }
      const test::Allowed expected = allowed_sums("matmul", sums);
      for (const Begins& begins : kBegins) {
        check_allowed(matmul_of(test_device(), rows, inner, columns, a, b, before, 0, begins), expected, "");
      }
      const int stride = columns + 5;
      std::vector<float> spread(inner * stride, std::numeric_limits<float>::quiet_NaN());
      for (int k = 0; k < inner; ++k) std::copy_n(b.begin() + k * columns, columns, spread.begin() + k * stride);
      check_allowed(matmul_of(test_device(), rows, inner, columns, a, spread, before, stride), expected, "stride: ");
    }
  }
}

TEST_CASE("matmul of rows that lie apart against double") {
  for (const ProductShape& shape : {ProductShape{1, 5, 3}, {49, 128, 64}, {70, 7, 130}}) {
    const int rows = shape.rows, inner = shape.inner, columns = shape.columns, stride = 2 * inner + 3;
    const std::vector<float> a = random_floats(int64_t{rows} * inner, 1), b = random_floats(inner * columns, 2);
    const int64_t padded = padded_rows(rows);
    for (const int first : {0, inner}) {
      // Exactly as long as the contract says: the last row ends with its last used element.
      std::vector<float> spread(first + (padded - 1) * stride + inner, std::numeric_limits<float>::quiet_NaN());
      for (int i = 0; i < rows; ++i) std::copy_n(a.begin() + i * inner, inner, spread.begin() + first + i * stride);
      const DeviceArray<float> device_a(test_device(), spread), device_b(test_device(), b),
          c(test_device(), padded * columns);
      matmul(test_device(), {.rows = rows,
                             .inner = inner,
                             .columns = columns,
                             .a_stride = stride,
                             .a = device_a.span().subspan(first, device_a.span().size - first),
                             .b = device_b,
                             .c = c});
      std::vector<Sum> sums(rows * columns);
      for (int i = 0; i < rows; ++i) {
        for (int j = 0; j < columns; ++j) {
          for (int k = 0; k < inner; ++k) sums[i * columns + j].add(double{a[i * inner + k]} * b[k * columns + j]);
        }
      }
      check_allowed(head(c.host(), int64_t{rows} * columns), allowed_sums("matmul", sums), "stride of a: ");
    }
  }
}

TEST_CASE("a row does not depend on the number of rows, nor on its place, nor on threads") {
  constexpr int kRows = 100;
  for (const ProductShape& shape : {ProductShape{kRows, 300, 1024}, {kRows, 128, 64}, {kRows, 7, 5}}) {
    const int inner = shape.inner, columns = shape.columns;
    CAPTURE(inner);
    CAPTURE(columns);
    Device device = test_device();
    const std::vector<float> a = random_floats(kRows * inner, 1), b = random_floats(inner * columns, 2);
    const std::vector<float> all = matmul_of(device, kRows, inner, columns, a, b);
    for (int rows = 1; rows < kRows; ++rows) {
      check_same_bytes(matmul_of(device, rows, inner, columns, a, b), head(all, int64_t{rows} * columns),
                       fmt::format("the first {} rows", rows));
    }
    const int many = 1 << (columns > 10 ? 10 : 18);
    std::vector<float> many_a = a;
    many_a.resize(int64_t{many} * inner, 1);
    check_same_bytes(head(matmul_of(device, many, inner, columns, many_a, b), int64_t{kRows} * columns), all,
                     fmt::format("the first of {} rows", many));
    std::vector<float> reversed, reversed_result;
    for (int i = kRows - 1; i >= 0; --i) {
      reversed.insert(reversed.end(), a.begin() + i * inner, a.begin() + (i + 1) * inner);
      reversed_result.insert(reversed_result.end(), all.begin() + i * columns, all.begin() + (i + 1) * columns);
    }
    check_same_bytes(matmul_of(device, kRows, inner, columns, reversed, b), reversed_result, "rows in another order");
    for (const int threads : {1, 2, 3, 5}) {
      device.threads = threads;
      check_same_bytes(matmul_of(device, kRows, inner, columns, a, b), all, fmt::format("{} threads", threads));
    }
  }
}

struct GradientShape {
  int rows, outputs, inputs, a_stride, b_stride;
};

std::vector<float> weight_gradient_of(const Device& device, const GradientShape& s, const std::vector<float>& a,
                                      const std::vector<float>& b, const std::vector<float>& before,
                                      const Begins& begins = {}) {
  const Placed device_a(device, begins[0], a), device_b(device, begins[1], b), c(device, begins[2], before);
  weight_gradient(device, {.rows = s.rows,
                           .outputs = s.outputs,
                           .inputs = s.inputs,
                           .a_stride = s.a_stride,
                           .b_stride = s.b_stride,
                           .a = device_a.span(),
                           .b = device_b.span(),
                           .c = c.span()});
  return c.host();
}

TEST_CASE("weight_gradient against double, wherever the matrices begin; same bytes whatever the threads") {
  for (const GradientShape s : {GradientShape{1, 1, 1, 1, 1},
                                {33, 5, 3, 7, 4},
                                {100, 130, 300, 130, 300},
                                {31, 64, 128, 512, 256},
                                {999, 64, 16, 64, 16}}) {
    CAPTURE(s.rows);
    CAPTURE(s.outputs);
    CAPTURE(s.inputs);
    Device device = test_device();
    // Exactly as long as the contract says: the last row ends with its last used element.
    const std::vector<float> a = random_floats(int64_t{s.rows - 1} * s.a_stride + s.outputs, 1);
    const std::vector<float> b = random_floats(int64_t{s.rows - 1} * s.b_stride + s.inputs, 2);
    const std::vector<float> before = random_floats(int64_t{s.outputs} * s.inputs, 3);
    std::vector<Sum> expected(before.size());
    for (size_t i = 0; i < before.size(); ++i) expected[i].add(before[i]);
    for (int row = 0; row < s.rows; ++row) {
      for (int i = 0; i < s.outputs; ++i) {
        for (int j = 0; j < s.inputs; ++j) {
          expected[i * s.inputs + j].add(double{a[row * s.a_stride + i]} * b[row * s.b_stride + j]);
        }
      }
    }
    const std::vector<float> c = weight_gradient_of(device, s, a, b, before);
    const test::Allowed allowed = allowed_sums("weight_gradient", expected);
    for (const Begins& begins : kBegins) {
      check_allowed(weight_gradient_of(device, s, a, b, before, begins), allowed, "");
    }
    for (const int threads : {1, 2, 3, 5}) {
      device.threads = threads;
      check_same_bytes(weight_gradient_of(device, s, a, b, before), c, fmt::format("{} threads", threads));
    }
  }
}

}  // namespace
}  // namespace notnot
