#pragma once
// The arrays of scaled_projection_forward and scaled_projection_backward.
#include "kernels/cases/device_data.h"
#include "kernels/scaled_projection.h"

namespace notnot {

struct ScaledProjectionInputs {
  int32_t tokens = 0, unique = 0, width = 0;  ///< N, U, P
  Activation activation = Activation::identity;
  std::vector<float> products;           ///< [U, P]
  std::vector<int32_t> rows;             ///< [N]
  std::vector<float> scale;              ///< [N]
  std::vector<float> bias, second_bias;  ///< [P]; the second one may be empty
  std::vector<float> dvalues;            ///< [N, P]
};
/// Row 0 of the products is zero, as that of an id whose embedding is; the first token has it.
ScaledProjectionInputs random_scaled_projection_inputs(int32_t tokens, int32_t unique, int32_t width,
                                                       Activation activation, uint64_t seed);

struct ScaledProjectionCase {
  ScaledProjectionCase(const Device& device, const ScaledProjectionInputs& inputs);
  ScaledProjectionForward forward() const;
  ScaledProjectionBackward backward() const;

  int32_t tokens, width;
  Activation activation;
  DeviceArray<float> products, scale, bias, second_bias, dvalues, values, dscale;
  DeviceArray<int32_t> rows;
};

}  // namespace notnot
