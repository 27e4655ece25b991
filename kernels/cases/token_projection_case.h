#pragma once
// The arrays of token_projection_forward and token_projection_backward.
#include "kernels/cases/device_data.h"
#include "kernels/token_projection.h"

namespace notnot {

struct TokenProjectionInputs {
  HostRagged batch;
  int32_t vocabulary = 0, embed = 0, width = 0;  ///< V, E, P
  Activation activation = Activation::identity;
  std::vector<float> embedding;          ///< [V, E]
  std::vector<float> weight;             ///< [P, E]
  std::vector<float> bias, second_bias;  ///< [P]; the second one may be empty
  std::vector<float> dvalues;            ///< [N, P]
};
/// With two biases. `batch` has ids below `vocabulary`.
TokenProjectionInputs random_token_projection_inputs(const HostRagged& batch, int32_t vocabulary, int32_t embed,
                                                     int32_t width, uint64_t seed);

/// `rows` has the embeddings of the batch's distinct ids, as gather_rows makes them, with NaN in the padded rows.
struct TokenProjectionCase {
  TokenProjectionCase(const Device& device, const TokenProjectionInputs& inputs);
  TokenProjectionForward forward() const;
  TokenProjectionBackward backward() const;

  int32_t embed, width;
  Activation activation;
  DeviceRagged batch;
  DeviceArray<float> rows, weight, weight_transposed, bias, second_bias, table, dvalues, dtable, dweight, dbias,
      second_dbias, drows, workspace;
};

}  // namespace notnot
