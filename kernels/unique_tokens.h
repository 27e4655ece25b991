#pragma once
// The distinct token ids of a batch and where each occurs. The input projection depends only on the id, so it and its
// gradient are computed once per distinct id (token_projection.h). The sums over an id's occurrences run in the
// ascending order of `occurrences`, which fixes every bit.
#include "kernels/base/operation.h"
#include "kernels/base/ragged.h"

namespace notnot {

struct UniqueTokens {
  int32_t tokens = 0;                ///< N
  int32_t vocabulary = 0;            ///< V; every id is in [0, V)
  int32_t unique = 0;                ///< U, at least the number of distinct ids, which the host counted
  Span<const int32_t> token_ids;     ///< [N]
  Span<int32_t> unique_ids;          ///< out [U] ascending, then kPaddingId
  Span<int32_t> unique_row;          ///< out [N]
  Span<int32_t> occurrence_offsets;  ///< out [U + 1]; N behind the last distinct id
  Span<int32_t> occurrences;         ///< out [N]
  Span<int32_t> workspace;           ///< [unique_tokens_workspace(N, V)]; holds nothing between calls

  void check() const;
};

/// Elements of UniqueTokens::workspace: the CPU counts per id (V), CUDA sorts pairs (ids, positions, flags and CUB's
/// own scratch).
constexpr int64_t unique_tokens_workspace(int64_t tokens, int64_t vocabulary) {
  return 8 * tokens + vocabulary + 65536;
}

inline void UniqueTokens::check() const {
  NOTNOT_CHECK(tokens > 0 && unique > 0 && vocabulary > 0, "{} tokens, {} distinct, vocabulary {}", tokens, unique,
               vocabulary);
  NOTNOT_CHECK_SIZE(token_ids, tokens);
  NOTNOT_CHECK_SIZE(unique_ids, unique);
  NOTNOT_CHECK_SIZE(unique_row, tokens);
  NOTNOT_CHECK_SIZE(occurrence_offsets, unique + 1);
  NOTNOT_CHECK_SIZE(occurrences, tokens);
  NOTNOT_CHECK_SIZE(workspace, unique_tokens_workspace(tokens, vocabulary));
}

NOTNOT_OPERATION(unique_tokens, UniqueTokens)

}  // namespace notnot
