#include "kernels/scaled_projection.h"

#include "kernels/cases/scaled_projection_case.h"
#include "kernels/cases/token_projection_case.h"
#include "tests/backends/backend.h"
#include "tests/support/error_model.h"

namespace notnot {
namespace {

struct Results {
  std::vector<float> values, dz, dscale;
};

Results compute(const Device& device, const ScaledProjectionInputs& inputs) {
  const ScaledProjectionCase arrays(device, inputs);
  scaled_projection_forward(device, arrays.forward());
  scaled_projection_backward(device, arrays.backward());
  return {arrays.values.host(), arrays.dvalues.host(), arrays.dscale.host()};
}

/// Straight from the formulas.
template <class Real>
test::NamedValues<Real> reference(const ScaledProjectionInputs& p) {
  const auto width = static_cast<size_t>(p.width);
  const bool tanh = p.activation == Activation::tanh;
  std::vector<Real> values, dz, dscale;
  for (size_t n = 0; n < p.rows.size(); ++n) {
    const float* product = &p.products[static_cast<size_t>(p.rows[n]) * width];
    Real sum(0);
    std::vector<Real> terms;
    for (size_t j = 0; j < width; ++j) {
      const Real bias = p.second_bias.empty() ? Real(p.bias[j]) : Real(p.bias[j]) + Real(p.second_bias[j]);
      const Real z = Real(p.scale[n]) * Real(product[j]) + bias;
      values.push_back(tanh ? hyperbolic_tangent(z) : z);
      const Real dvalue(p.dvalues[n * width + j]), y = values.back();
      dz.push_back(tanh ? dvalue * (Real(1) - y * y) : dvalue);
      terms.push_back(dz.back() * Real(product[j]));
    }
    for (const int32_t j : test::visiting_order<Real>(p.width)) sum += terms[static_cast<size_t>(j)];
    dscale.push_back(sum);
  }
  return {{"values", values}, {"dz", dz}, {"dscale", dscale}};
}

}  // namespace

TEST_CASE("scaled projection: values, gradient before the activation and input x gradient against float64") {
  const Device device = test_device();
  for (const Activation activation : {Activation::identity, Activation::tanh}) {
    for (const auto& [tokens, width] : {std::pair{1, 1}, {7, 31}, {8, 32}, {9, 33}, {40, 128}, {3, 1024}, {5, 1030}}) {
      for (const bool two_biases : {true, false}) {
        auto inputs = random_scaled_projection_inputs(tokens, 5, width, activation, 31);
        if (!two_biases) inputs.second_bias.clear();
        const auto expected = test::with_allowances([&]<class Real>() { return reference<Real>(inputs); });
        const Results results = compute(device, inputs);
        const std::string where = fmt::format("N {}, P {}, {} biases: ", tokens, width, two_biases ? 2 : 1);
        check_allowed(results.values, expected[0], where);
        check_allowed(results.dz, expected[1], where);
        check_allowed(results.dscale, expected[2], where);
        CHECK_MESSAGE(results.dscale[0] == 0, where, "an embedding of zeros has ", results.dscale[0]);
      }
    }
  }
}

TEST_CASE("scaled projection: dscale is the derivative of dvalues . values in the scale") {
  for (const Activation activation : {Activation::identity, Activation::tanh}) {
    const auto p = random_scaled_projection_inputs(9, 4, 12, activation, 37);
    const auto objective = [&](const ScaledProjectionInputs& at, size_t n) {
      const auto results = reference<double>(at);
      double sum = 0;
      for (size_t j = n * 12; j < n * 12 + 12; ++j) sum += p.dvalues[j] * results[0].second[j];
      return sum;
    };
    const auto dscale = reference<double>(p)[2].second;
    for (size_t n = 0; n < 9; ++n) {
      auto up = p, down = p;
      up.scale[n] += 0x1p-10F;
      down.scale[n] -= 0x1p-10F;
      const double step = static_cast<double>(up.scale[n]) - down.scale[n];
      CHECK(std::abs((objective(up, n) - objective(down, n)) / step - dscale[n]) < 1e-5);
    }
  }
}

TEST_CASE("scaled projection: a token's bytes do not depend on its company or on threads") {
  Device device = test_device();
  for (const Activation activation : {Activation::identity, Activation::tanh}) {
    const auto inputs = random_scaled_projection_inputs(50, 9, 70, activation, 33);
    const Results together = compute(device, inputs);
    auto last = inputs;
    last.tokens = 1;
    last.rows = {inputs.rows.back()};
    last.scale = {inputs.scale.back()};
    last.dvalues.erase(last.dvalues.begin(), last.dvalues.end() - 70);
    const Results alone = compute(device, last);
    check_same_bytes(alone.values, {together.values.end() - 70, together.values.end()}, "values");
    check_same_bytes(alone.dz, {together.dz.end() - 70, together.dz.end()}, "dz");
    check_same_bytes(alone.dscale, {together.dscale.back()}, "dscale");
    device.threads = 3;
    check_same_bytes(compute(device, inputs).dscale, together.dscale, "other threads");
    device = test_device();
  }
}

TEST_CASE("scaled projection: at scale 1 values have the bytes of token_projection_forward") {
  const Device device = test_device();
  for (const Activation activation : {Activation::identity, Activation::tanh}) {
    auto inputs = random_token_projection_inputs(make_ragged({9, 5}, 6, 21), 6, 20, 33, 22);
    inputs.activation = activation;
    const TokenProjectionCase arrays(device, inputs);
    token_projection_forward(device, arrays.forward());
    const int32_t unique = inputs.batch.unique(), tokens = inputs.batch.tokens();
    const DeviceArray<float> products(device, padded_rows(unique) * 33), values(device, int64_t{tokens} * 33),
        scale(device, std::vector<float>(tokens, 1.0F));
    const DeviceArray<int32_t> rows(device, inputs.batch.unique_row);
    TokenProjectionForward product = arrays.forward();
    product.table = products;
    multiply_rows(device, product);
    scaled_projection_forward(device, {.tokens = tokens,
                                       .width = 33,
                                       .activation = activation,
                                       .products = products,
                                       .rows = rows,
                                       .scale = scale,
                                       .bias = arrays.bias,
                                       .second_bias = arrays.second_bias,
                                       .values = values});
    const std::vector<float> table = arrays.table.host(), actual = values.host();
    for (int32_t n = 0; n < tokens; ++n) {
      const auto row = table.begin() + int64_t{inputs.batch.unique_row[n]} * 33;
      check_same_bytes<float>({actual.begin() + n * 33, actual.begin() + n * 33 + 33}, {row, row + 33}, "a token");
    }
  }
}

}  // namespace notnot
