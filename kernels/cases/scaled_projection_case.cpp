#include "kernels/cases/scaled_projection_case.h"

#include <algorithm>

namespace notnot {

ScaledProjectionInputs random_scaled_projection_inputs(int32_t tokens, int32_t unique, int32_t width,
                                                       Activation activation, uint64_t seed) {
  ScaledProjectionInputs inputs{.tokens = tokens,
                                .unique = unique,
                                .width = width,
                                .activation = activation,
                                .products = random_floats(int64_t{unique} * width, seed),
                                .rows = {},
                                .scale = random_floats(tokens, seed + 1),
                                .bias = random_floats(width, seed + 2),
                                .second_bias = random_floats(width, seed + 3),
                                .dvalues = random_floats(int64_t{tokens} * width, seed + 4)};
  std::fill_n(inputs.products.begin(), width, 0.0F);
  for (int32_t n = 0; n < tokens; ++n) inputs.rows.push_back(static_cast<int32_t>(int64_t{n} * 7 % unique));
  return inputs;
}

ScaledProjectionCase::ScaledProjectionCase(const Device& device, const ScaledProjectionInputs& inputs)
    : tokens(inputs.tokens),
      width(inputs.width),
      activation(inputs.activation),
      products(device, inputs.products),
      scale(device, inputs.scale),
      bias(device, inputs.bias),
      second_bias(device, inputs.second_bias),
      dvalues(device, inputs.dvalues),
      values(device, int64_t{tokens} * width),
      dscale(device, tokens),
      rows(device, inputs.rows) {}

ScaledProjectionForward ScaledProjectionCase::forward() const {
  return {.tokens = tokens,
          .width = width,
          .activation = activation,
          .products = products,
          .rows = rows,
          .scale = scale,
          .bias = bias,
          .second_bias = second_bias,
          .values = values};
}

ScaledProjectionBackward ScaledProjectionCase::backward() const {
  return {.tokens = tokens,
          .width = width,
          .activation = activation,
          .products = products,
          .rows = rows,
          .values = values,
          .dvalues = dvalues,
          .dscale = dscale};
}

}  // namespace notnot
