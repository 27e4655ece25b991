#include "kernels/cases/erasure_flip_case.h"

namespace notnot {

ErasureFlipCase::ErasureFlipCase(const Device& device, const ErasureFlipInputs& inputs)
    : longest(longest_sequence(inputs.offsets)),
      given(inputs.given()),
      offsets(device, inputs.offsets),
      contributions(device, inputs.contributions),
      output_bias(device, inputs.output_bias),
      log_attention(device, inputs.log_attention),
      scores(device, inputs.scores),
      logit(device, inputs.sequences()),
      order(device, int64_t{kGivenOrders + given} * inputs.tokens()),
      size(device, int64_t{kGivenOrders + given} * inputs.sequences()),
      margin(device, int64_t{kGivenOrders + given} * inputs.sequences()),
      terms(device, int64_t{kGivenOrders + given} * inputs.tokens()),
      scratch(device, int64_t{kGivenOrders + given} * inputs.tokens()) {}

ErasureFlip ErasureFlipCase::arguments() const {
  return {.sequences = static_cast<int32_t>(offsets.span().size - 1),
          .tokens = static_cast<int32_t>(contributions.span().size),
          .longest = longest,
          .given = given,
          .offsets = offsets,
          .contributions = contributions,
          .output_bias = output_bias,
          .log_attention = log_attention,
          .scores = scores,
          .logit = logit,
          .order = order,
          .size = size,
          .margin = margin,
          .terms = terms,
          .scratch = scratch};
}

}  // namespace notnot
