#include "kernels/gemm.h"

#include <algorithm>

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

// The padded rows are filled with NaN, which must not reach the rows that count.
std::vector<float> matmul_of(const Device& device, int rows, int inner, int columns, const std::vector<float>& a,
                             const std::vector<float>& b, const std::vector<float>& before = {}, int b_stride = 0) {
  std::vector<float> padded_a = head(a, int64_t{rows} * inner), padded_c = before;
  padded_a.resize(padded_rows(rows) * inner, std::numeric_limits<float>::quiet_NaN());
  padded_c.resize(padded_rows(rows) * columns, std::numeric_limits<float>::quiet_NaN());
  const DeviceArray<float> device_a(device, padded_a), device_b(device, b), device_c(device, padded_c);
  matmul(device, {.rows = rows,
                  .inner = inner,
                  .columns = columns,
                  .b_stride = b_stride,
                  .a = device_a,
                  .b = device_b,
                  .c = device_c,
                  .accumulate = !before.empty()});
  return head(device_c.host(), int64_t{rows} * columns);
}

TEST_CASE("matmul against double") {
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
      check_allowed(matmul_of(test_device(), rows, inner, columns, a, b, before), expected, "");
      const int stride = columns + 5;
      std::vector<float> spread(inner * stride, std::numeric_limits<float>::quiet_NaN());
      for (int k = 0; k < inner; ++k) std::copy_n(b.begin() + k * columns, columns, spread.begin() + k * stride);
      check_allowed(matmul_of(test_device(), rows, inner, columns, a, spread, before, stride), expected, "stride: ");
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
                                      const std::vector<float>& b, const std::vector<float>& before) {
  const DeviceArray<float> device_a(device, a), device_b(device, b), c(device, before);
  weight_gradient(device, {.rows = s.rows,
                           .outputs = s.outputs,
                           .inputs = s.inputs,
                           .a_stride = s.a_stride,
                           .b_stride = s.b_stride,
                           .a = device_a,
                           .b = device_b,
                           .c = c});
  return c.host();
}

TEST_CASE("weight_gradient against double; same bytes whatever the threads") {
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
    check_allowed(c, allowed_sums("weight_gradient", expected), "");
    for (const int threads : {1, 2, 3, 5}) {
      device.threads = threads;
      check_same_bytes(weight_gradient_of(device, s, a, b, before), c, fmt::format("{} threads", threads));
    }
  }
}

}  // namespace
}  // namespace notnot
