#pragma once
// The affine map of a token's embedding e, computed once per id and not once per token. It is the BiLSTM's input side
// `W_ih e + b_ih + b_hh`, of both directions at once, or the token-level encoder of the guided MLP, `tanh(W e + b)`
// (Wiegreffe & Pinter 2019, section 3.4 and figure 4). The embeddings of a batch's ids are gathered (gather_rows) and
// projected: in training of its distinct ids, in evaluation of the ids that no batch had since the parameters changed.
#include "kernels/base/operation.h"
#include "kernels/base/ragged.h"
#include "kernels/gemm.h"
#include "kernels/matrix.h"

namespace notnot {

enum class Activation : uint8_t { identity, tanh };

struct TokenProjectionForward {
  int32_t count = 0, embed = 0, width = 0;  ///< U, E, P
  Activation activation = Activation::identity;
  Span<const float> rows;               ///< [padded_rows(U), E] an embedding per id
  Span<const float> weight_transposed;  ///< [E, P] with row stride weight_stride(P)
  Span<const float> bias;               ///< [P]
  Span<const float> second_bias;        ///< [P], also added, or empty
  Span<float> table;                    ///< out [padded_rows(U), P]

  void check() const {
    NOTNOT_CHECK(count > 0 && embed > 0 && width > 0, "U {}, E {}, P {}", count, embed, width);
    NOTNOT_CHECK_SIZE(rows, padded_rows(count) * embed);
    NOTNOT_CHECK_SIZE(weight_transposed, (embed - 1) * weight_stride(width) + width);
    NOTNOT_CHECK_SIZE(bias, width);
    NOTNOT_CHECK(second_bias.empty() || second_bias.size >= width, "`second_bias` has {} elements, needs {}",
                 second_bias.size, width);
    NOTNOT_CHECK_SIZE(table, padded_rows(count) * width);
  }
};
NOTNOT_OPERATION(token_projection_forward, TokenProjectionForward)

/// dtable[u] = (sum over the occurrences of id u, in ascending order, of dvalues) * activation'(table[u]). Then
/// embedding_gradients and add_projection_gradients compute all else from it, in any order or side by side.
struct TokenProjectionBackward {
  RaggedBatch batch;
  int32_t embed = 0, width = 0;  ///< E, P
  Activation activation = Activation::identity;
  Span<const float> rows;     ///< [padded_rows(U), E] as for forward
  Span<const float> table;    ///< [padded_rows(U), P] from forward; read only for Activation::tanh
  Span<const float> weight;   ///< [P, E]
  Span<const float> dvalues;  ///< [N, P] gradient at every token's projected value
  Span<float> dtable;         ///< out [padded_rows(U), P]
  Span<float> dweight;        ///< [P, E]; add_projection_gradients adds to this and the next two
  Span<float> dbias;          ///< [P]
  Span<float> second_dbias;   ///< [P], receives the same sum, or empty
  Span<float> drows;          ///< [padded_rows(U), E] gradient of the embedding rows batch.unique_ids
  Span<float> workspace;      ///< [column_sum_workspace(U, P)]

  void check() const {
    batch.check_training();
    NOTNOT_CHECK(embed > 0 && width > 0, "E {}, P {}", embed, width);
    NOTNOT_CHECK_SIZE(rows, padded_rows(batch.unique) * embed);
    NOTNOT_CHECK_SIZE(table, padded_rows(batch.unique) * width);
    NOTNOT_CHECK_SIZE(weight, int64_t{embed} * width);
    NOTNOT_CHECK_SIZE(dvalues, int64_t{batch.tokens} * width);
    NOTNOT_CHECK_SIZE(dtable, padded_rows(batch.unique) * width);
    NOTNOT_CHECK_SIZE(dweight, int64_t{embed} * width);
    NOTNOT_CHECK_SIZE(dbias, width);
    NOTNOT_CHECK(second_dbias.empty() || second_dbias.size >= width, "`second_dbias` has {} elements, needs {}",
                 second_dbias.size, width);
    NOTNOT_CHECK_SIZE(drows, padded_rows(batch.unique) * embed);
    NOTNOT_CHECK_SIZE(workspace, column_sum_workspace(batch.unique, width));
  }
};
NOTNOT_OPERATION(token_projection_backward, TokenProjectionBackward)

/// drows = dtable W.
void embedding_gradients(const Device& device, const TokenProjectionBackward& args);
/// dweight += dtable^T rows, dbias and second_dbias += sum_u dtable.
void add_projection_gradients(const Device& device, const TokenProjectionBackward& args);

/// table = rows W^T: the first part of token_projection_forward. Biases and activation follow.
void multiply_rows(const Device& device, const TokenProjectionForward& args);

}  // namespace notnot
