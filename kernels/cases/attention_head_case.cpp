#include "kernels/cases/attention_head_case.h"

#include <algorithm>

namespace notnot {
namespace {

bool learned(const AttentionHeadInputs& inputs) { return inputs.kind == AttentionKind::learned; }
int64_t learned_width(const AttentionHeadInputs& inputs) { return learned(inputs) ? inputs.attention_width : 0; }

/// For dhidden: NaN at every token, and zeros in the padded rows, to which the last product adds, too.
std::vector<float> poisoned_tokens(int64_t tokens, int64_t width) {
  std::vector<float> values(padded_rows(tokens) * width);
  std::fill_n(values.begin(), tokens * width, std::numeric_limits<float>::quiet_NaN());
  return values;
}

}  // namespace

AttentionHeadInputs random_attention_head_inputs(const HostRagged& batch, int32_t width, int32_t attention_width,
                                                 AttentionKind kind, Objective objective, uint64_t seed) {
  AttentionHeadInputs inputs{.batch = batch,
                             .width = width,
                             .attention_width = attention_width,
                             .kind = kind,
                             .objective = objective,
                             .hidden = random_floats(padded_rows(batch.tokens()) * width, seed),
                             .attention_weight = random_weights(int64_t{attention_width} * width, seed + 1, width),
                             .attention_bias = random_weights(attention_width, seed + 2, width),
                             .attention_vector = random_floats(attention_width, seed + 3),
                             .output_weight = random_weights(width, seed + 4, width),
                             .output_bias = {0.6F},
                             .log_weights = random_log_attention(batch.offsets, seed + 5),
                             .base_probability = random_floats(batch.sequences(), seed + 6, 0.5F),
                             .labels = {},
                             .group_log_attention = {}};
  for (float& value : inputs.base_probability) value += 0.5F;
  for (int32_t b = 0; b < batch.sequences(); ++b) inputs.labels.push_back(b % 2);
  return inputs;
}

void put_side_by_side(AttentionHeadInputs& inputs, int32_t members, int32_t member, uint64_t seed) {
  inputs.members = members;
  inputs.member = member;
  inputs.group_log_attention.clear();
  for (int32_t k = 0; k < members; ++k) {
    std::vector<float> row = random_log_attention(inputs.batch.offsets, seed + k);
    row.resize(inputs.batch.tokens(), std::numeric_limits<float>::quiet_NaN());  // slack
    if (k == member) std::fill(row.begin(), row.end(), std::numeric_limits<float>::quiet_NaN());
    inputs.group_log_attention.insert(inputs.group_log_attention.end(), row.begin(), row.end());
  }
}

AttentionHeadCase::AttentionHeadCase(const Device& device, const AttentionHeadInputs& from)
    : inputs(from),
      batch(device, inputs.batch),
      hidden(device, inputs.hidden),
      attention_weight(device, inputs.attention_weight),
      attention_weight_transposed(
          device, transposed(inputs.attention_weight, inputs.attention_width, inputs.width, inputs.attention_width)),
      attention_bias(device, inputs.attention_bias),
      attention_vector(device, inputs.attention_vector),
      output_weight(device, inputs.output_weight),
      output_bias(device, inputs.output_bias),
      log_weights(device, inputs.log_weights),
      base_probability(device, inputs.base_probability),
      scale(device, std::vector<float>{inputs.scale}),
      group_log_attention(device, inputs.group_log_attention),
      labels(device, inputs.labels),
      activation(device, padded_rows(inputs.batch.tokens()) * learned_width(inputs)),
      log_attention(device, inputs.batch.tokens()),
      context(device, int64_t{inputs.batch.sequences()} * inputs.width),
      logit(device, inputs.batch.sequences()),
      probability(device, inputs.batch.sequences()),
      loss(device, inputs.batch.sequences()),
      divergence(device, inputs.objective == Objective::adversary ? inputs.batch.sequences() : 0),
      peer_divergence(device, inputs.members > 1 ? inputs.batch.sequences() : 0),
      dlogit(device, inputs.batch.sequences()),
      dscore(device, learned(inputs) ? inputs.batch.tokens() : 0),
      dhidden(device, poisoned_tokens(inputs.batch.tokens(), inputs.width)),
      dattention_weight(started_gradient(device, learned_width(inputs) * inputs.width)),
      dattention_bias(started_gradient(device, learned_width(inputs))),
      dattention_vector(started_gradient(device, learned_width(inputs))),
      doutput_weight(started_gradient(device, inputs.width)),
      doutput_bias(started_gradient(device, 1)),
      workspace(device, attention_head_workspace(inputs.batch.sequences(), inputs.batch.tokens(), inputs.width,
                                                 inputs.attention_width)) {}

AttentionHeadForward AttentionHeadCase::forward() const {
  return {.batch = batch.batch(),
          .width = inputs.width,
          .attention_width = inputs.attention_width,
          .kind = inputs.kind,
          .hidden = hidden,
          .attention_weight_transposed = attention_weight_transposed,
          .attention_bias = attention_bias,
          .attention_vector = attention_vector,
          .output_weight = output_weight,
          .output_bias = output_bias,
          .given_log_attention = log_weights,
          .activation = activation,
          .log_attention = log_attention,
          .context = context,
          .logit = logit,
          .probability = probability};
}

AttentionHeadTrain AttentionHeadCase::train() const {
  return {.forward = forward(),
          .objective = inputs.objective,
          .positive_weight = inputs.positive_weight,
          .labels = labels,
          .tvd_factor = inputs.tvd_factor,
          .lambda = inputs.lambda,
          .scale = scale,
          .base_probability = base_probability,
          .base_log_attention = log_weights,
          .members = inputs.members,
          .member = inputs.member,
          .group_log_attention = group_log_attention,
          .attention_weight = attention_weight,
          .loss = loss,
          .divergence = divergence,
          .peer_divergence = peer_divergence,
          .dlogit = dlogit,
          .dscore = dscore,
          .dhidden = dhidden,
          .dattention_weight = dattention_weight,
          .dattention_bias = dattention_bias,
          .dattention_vector = dattention_vector,
          .doutput_weight = doutput_weight,
          .doutput_bias = doutput_bias,
          .workspace = workspace};
}

}  // namespace notnot
