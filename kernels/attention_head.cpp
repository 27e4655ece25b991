#include "kernels/attention_head.h"

namespace notnot {

void multiply_hidden(const Device& device, const AttentionHeadForward& args) {
  if (args.kind != AttentionKind::learned) return;
  matmul(device, {.rows = args.batch.tokens,
                  .inner = args.width,
                  .columns = args.attention_width,
                  .a = args.hidden,
                  .b = args.attention_weight_transposed,
                  .c = args.activation});
}

void add_to_dhidden(const Device& device, const AttentionHeadTrain& args) {
  const AttentionHeadForward& forward = args.forward;
  if (forward.kind != AttentionKind::learned) return;
  matmul(device, {.rows = forward.batch.tokens,
                  .inner = forward.attention_width,
                  .columns = forward.width,
                  .a = forward.activation,
                  .b = args.attention_weight,
                  .c = args.dhidden,
                  .accumulate = true});
}

void add_head_gradients(const Device& device, const AttentionHeadTrain& args) {
  args.check_gradients();
  const AttentionHeadForward& forward = args.forward;
  const int32_t sequences = forward.batch.sequences, tokens = forward.batch.tokens, width = forward.width,
                attention_width = forward.attention_width;
  const bool learned = forward.kind == AttentionKind::learned;
  const int64_t parts = learned ? int64_t{sequences} * attention_width : 0;  // of dattention_vector
  ColumnSums sums{.parts = {}, .workspace = args.workspace.subspan(parts, args.workspace.size - parts)};
  sums.parts[0] = {.rows = sequences, .columns = 1, .values = args.dlogit, .sums = args.doutput_bias};
  sums.parts[1] = {.rows = sequences,
                   .columns = width,
                   .values = forward.context,
                   .scale = args.dlogit,
                   .sums = args.doutput_weight};
  if (learned) {
    sums.parts[2] = {
        .rows = sequences, .columns = attention_width, .values = args.workspace, .sums = args.dattention_vector};
    sums.parts[3] = {
        .rows = tokens, .columns = attention_width, .values = forward.activation, .sums = args.dattention_bias};
  }
  column_sums(device, sums);
  if (!learned) return;
  weight_gradient(device, {.rows = tokens,
                           .outputs = attention_width,
                           .inputs = width,
                           .a_stride = attention_width,
                           .b_stride = width,
                           .a = forward.activation,
                           .b = forward.hidden,
                           .c = args.dattention_weight});
}

}  // namespace notnot
