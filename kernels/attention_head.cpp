#include "kernels/attention_head.h"

namespace notnot {
namespace {

/// sums += values summed over rows, scaled if `scale` is given.
void add_columns(const Device& device, const AttentionHeadTrain& args, int32_t rows, int32_t columns,
                 Span<const float> values, Span<const float> scale, Span<float> sums) {
  const int64_t used =
      int64_t{args.forward.batch.sequences} * args.forward.attention_width;  // parts of dattention_vector
  column_sum(device, {.rows = rows,
                      .columns = columns,
                      .values = values,
                      .scale = scale,
                      .sums = sums,
                      .second_sums = {},
                      .workspace = args.workspace.subspan(used, args.workspace.size - used)});
}

void add_attention_gradients(const Device& device, const AttentionHeadTrain& args) {
  const AttentionHeadForward& forward = args.forward;
  const int32_t tokens = forward.batch.tokens, width = forward.width, attention_width = forward.attention_width;
  add_columns(device, args, forward.batch.sequences, attention_width, args.workspace, {}, args.dattention_vector);
  add_columns(device, args, tokens, attention_width, forward.activation, {}, args.dattention_bias);
  weight_gradient(device, {.rows = tokens,
                           .outputs = attention_width,
                           .inputs = width,
                           .a_stride = attention_width,
                           .b_stride = width,
                           .a = forward.activation,
                           .b = forward.hidden,
                           .c = args.dattention_weight});
  matmul(device, {.rows = tokens,
                  .inner = attention_width,
                  .columns = width,
                  .a = forward.activation,
                  .b = args.attention_weight,
                  .c = args.dhidden,
                  .accumulate = true});
}

}  // namespace

void multiply_hidden(const Device& device, const AttentionHeadForward& args) {
  if (args.kind != AttentionKind::learned) return;
  matmul(device, {.rows = args.batch.tokens,
                  .inner = args.width,
                  .columns = args.attention_width,
                  .a = args.hidden,
                  .b = args.attention_weight_transposed,
                  .c = args.activation});
}

void add_head_gradients(const Device& device, const AttentionHeadTrain& args) {
  const AttentionHeadForward& forward = args.forward;
  const int32_t sequences = forward.batch.sequences;
  add_columns(device, args, sequences, 1, args.dlogit, {}, args.doutput_bias);
  add_columns(device, args, sequences, forward.width, forward.context, args.dlogit, args.doutput_weight);
  if (forward.kind == AttentionKind::learned) add_attention_gradients(device, args);
}

}  // namespace notnot
