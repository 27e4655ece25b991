#include "kernels/token_projection.h"

namespace notnot {

void multiply_rows(const Device& device, const TokenProjectionForward& args) {
  matmul(device, {.rows = args.count,
                  .inner = args.embed,
                  .columns = args.width,
                  .b_stride = weight_stride(args.width),
                  .a = args.rows,
                  .b = args.weight_transposed,
                  .c = args.table});
}

void embedding_gradients(const Device& device, const TokenProjectionBackward& args) {
  matmul(device, {.rows = args.batch.unique,
                  .inner = args.width,
                  .columns = args.embed,
                  .a = args.dtable,
                  .b = args.weight,
                  .c = args.drows});
}

void add_projection_gradients(const Device& device, const TokenProjectionBackward& args) {
  const int32_t unique = args.batch.unique, width = args.width, embed = args.embed;
  weight_gradient(device, {.rows = unique,
                           .outputs = width,
                           .inputs = embed,
                           .a_stride = width,
                           .b_stride = embed,
                           .a = args.dtable,
                           .b = args.rows,
                           .c = args.dweight});
  ColumnSums sums{.parts = {}, .workspace = args.workspace};
  sums.parts[0] = {
      .rows = unique, .columns = width, .values = args.dtable, .sums = args.dbias, .second_sums = args.second_dbias};
  column_sums(device, sums);
}

}  // namespace notnot
