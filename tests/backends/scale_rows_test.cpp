// The test of an operation to copy (kernels/skeleton): against float64 on every backend, and what its header promises.
#include <cmath>

#include "kernels/cases/scale_rows_case.h"
#include "kernels/skeleton/scale_rows_math.h"
#include "tests/backends/backend.h"
#include "tests/support/error_model.h"

namespace notnot {
namespace {

constexpr int32_t kTile = 128;  // columns that a CUDA block takes at once

struct Results {
  std::vector<float> scaled, dvalues, dscale;
};

Results run(const Device& device, const ScaleRowsInputs& inputs) {
  const ScaleRowsCase arrays(device, inputs);
  scale_rows_forward(device, arrays.forward());
  scale_rows_backward(device, arrays.backward());
  return {arrays.scaled.host(), arrays.dvalues.host(), arrays.dscale.host()};
}

/// Forward and backward with the plainest loops. A product is exact in float64 and rounded once.
struct Reference {
  explicit Reference(const ScaleRowsInputs& inputs) {
    for (size_t i = 0; i < inputs.values.size(); ++i) {
      const size_t row = i / inputs.columns;
      const double value = inputs.values[i], scale = inputs.scale[row], gradient = inputs.dscaled[i];
      scaled.push_back(static_cast<float>(scale * value));
      dvalues.push_back(static_cast<float>(scale * gradient));
      dscale.resize(row + 1, test::Sum(kStartOfGradient));
      dscale[row].add(value * gradient);
    }
  }
  std::vector<float> scaled, dvalues;
  std::vector<test::Sum> dscale;
};

TEST_CASE("scale_rows: forward and backward against float64") {
  for (const int32_t rows : {1, 7, 33}) {
    for (const int32_t columns : {1, kTile - 1, kTile, kTile + 1, 1000}) {
      CAPTURE(rows);
      CAPTURE(columns);
      const ScaleRowsInputs inputs = random_scale_rows_inputs(rows, columns, 71);
      const Results actual = run(test_device(), inputs);
      const Reference expected(inputs);
      check_same_bytes(actual.scaled, expected.scaled, "scaled");
      check_same_bytes(actual.dvalues, expected.dvalues, "dvalues");
      check_allowed(actual.dscale, test::allowed_sums("dscale", expected.dscale), "");
    }
  }
}

TEST_CASE("scale_rows: a row has the same bytes in a matrix of its own, and with any number of threads") {
  const int32_t columns = 300;
  const ScaleRowsInputs all = random_scale_rows_inputs(9, columns, 72);
  const Results together = run(test_device(), all);
  const auto row = [&](const std::vector<float>& values, int64_t i) {
    return std::vector<float>(values.begin() + i * columns, values.begin() + (i + 1) * columns);
  };
  for (const int32_t i : {0, 4, 8}) {
    const Results alone = run(test_device(), {.rows = 1,
                                              .columns = columns,
                                              .values = row(all.values, i),
                                              .scale = {all.scale[i]},
                                              .dscaled = row(all.dscaled, i)});
    check_same_bytes(alone.scaled, row(together.scaled, i), "scaled");
    check_same_bytes(alone.dvalues, row(together.dvalues, i), "dvalues");
    check_same_bytes<float>(alone.dscale, {together.dscale[i]}, "dscale");
  }
  Device device = test_device();
  for (const int threads : {1, 3}) {
    device.threads = threads;
    const Results again = run(device, all);
    check_same_bytes(again.scaled, together.scaled, "scaled, other threads");
    check_same_bytes(again.dvalues, together.dvalues, "dvalues, other threads");
    check_same_bytes(again.dscale, together.dscale, "dscale, other threads");
  }
}

TEST_CASE("scale_rows: an array that is too small is refused") {
  const Device device = test_device();
  const ScaleRowsCase arrays(device, random_scale_rows_inputs(2, 3, 73));
  ScaleRowsForward args = arrays.forward();
  args.rows = 3;
  CHECK_THROWS_WITH_AS(scale_rows_forward(device, args), doctest::Contains("`values` has 6 elements, needs 9"), Error);
}

TEST_CASE("scale_rows: the gradient is the derivative of the forward pass, in double") {
  const double value = 0.7, scale = -1.3, dscaled = 0.4, step = 1e-5;
  const auto gradient = scale_gradient(value, scale, dscaled);
  const auto slope = [&](double dvalue, double dscale) {
    return dscaled * (scaled_value(value + dvalue, scale + dscale) - scaled_value(value - dvalue, scale - dscale)) /
           (2 * step);
  };
  CHECK(std::abs(slope(step, 0) - gradient.dvalue) < 1e-9);
  CHECK(std::abs(slope(0, step) - gradient.dscale) < 1e-9);
}

}  // namespace
}  // namespace notnot
