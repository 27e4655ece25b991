#include "kernels/cases/token_projection_case.h"

namespace notnot {
namespace {

/// [padded_rows(U), E] the embeddings of the distinct ids, then NaN.
std::vector<float> gathered(const TokenProjectionInputs& inputs) {
  std::vector<float> rows;
  for (const int64_t id : inputs.batch.unique_ids) {
    const auto row = inputs.embedding.begin() + id * inputs.embed;
    rows.insert(rows.end(), row, row + inputs.embed);
  }
  rows.resize(padded_rows(inputs.batch.unique()) * inputs.embed, std::numeric_limits<float>::quiet_NaN());
  return rows;
}

}  // namespace

TokenProjectionInputs random_token_projection_inputs(const HostRagged& batch, int32_t vocabulary, int32_t embed,
                                                     int32_t width, uint64_t seed) {
  return {.batch = batch,
          .vocabulary = vocabulary,
          .embed = embed,
          .width = width,
          .embedding = random_floats(int64_t{vocabulary} * embed, seed),
          .weight = random_weights(int64_t{width} * embed, seed + 1, embed),
          .bias = random_floats(width, seed + 2),
          .second_bias = random_floats(width, seed + 3),
          .dvalues = random_floats(int64_t{batch.tokens()} * width, seed + 4)};
}

TokenProjectionCase::TokenProjectionCase(const Device& device, const TokenProjectionInputs& inputs)
    : embed(inputs.embed),
      width(inputs.width),
      activation(inputs.activation),
      batch(device, inputs.batch),
      rows(device, gathered(inputs)),
      weight(device, inputs.weight),
      weight_transposed(device, transposed(inputs.weight, width, embed, weight_stride(width))),
      bias(device, inputs.bias),
      second_bias(device, inputs.second_bias),
      table(device, padded_rows(inputs.batch.unique()) * width),
      dvalues(device, inputs.dvalues),
      dtable(device, padded_rows(inputs.batch.unique()) * width),
      dweight(started_gradient(device, int64_t{width} * embed)),
      dbias(started_gradient(device, width)),
      second_dbias(started_gradient(device, inputs.second_bias.size())),
      drows(device, padded_rows(inputs.batch.unique()) * embed),
      workspace(device, column_sum_workspace(inputs.batch.unique(), width)) {}

TokenProjectionForward TokenProjectionCase::forward() const {
  return {.count = batch.batch().unique,
          .embed = embed,
          .width = width,
          .activation = activation,
          .rows = rows,
          .weight_transposed = weight_transposed,
          .bias = bias,
          .second_bias = second_bias,
          .table = table};
}

TokenProjectionBackward TokenProjectionCase::backward() const {
  return {.batch = batch.batch(),
          .embed = embed,
          .width = width,
          .activation = activation,
          .rows = rows,
          .table = table,
          .weight = weight,
          .dvalues = dvalues,
          .dtable = dtable,
          .dweight = dweight,
          .dbias = dbias,
          .second_dbias = second_dbias,
          .drows = drows,
          .workspace = workspace};
}

}  // namespace notnot
