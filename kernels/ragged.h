#pragma once
// A ragged batch on a device: sequences of different lengths one after the other, never padded.
#include "kernels/device.h"

namespace notnot {

/// Sequence b is tokens offsets[b] .. offsets[b+1]-1, its first and last token being <SOS> and <EOS>; at least 3
/// tokens. Sequences stand longest first. The last four arrays are made by unique_tokens (unique_tokens.h).
struct RaggedBatch {
  int32_t sequences = 0;                   ///< B
  int32_t tokens = 0;                      ///< N = offsets[B]
  int32_t longest = 0;                     ///< T, the first sequence's length
  int32_t unique = 0;                      ///< U, number of distinct ids among the tokens
  Span<const int32_t> token_ids;           ///< [N]
  Span<const int32_t> offsets;             ///< [B + 1]
  Span<const int32_t> unique_ids;          ///< [U] the distinct ids, ascending
  Span<const int32_t> unique_row;          ///< [N] unique_ids[unique_row[n]] == token_ids[n]
  Span<const int32_t> occurrence_offsets;  ///< [U + 1]
  Span<const int32_t> occurrences;         ///< [N] row u's tokens: occurrences[occurrence_offsets[u] ..), ascending

  void check() const {
    NOTNOT_CHECK(sequences > 0 && tokens >= 3 * sequences && longest <= tokens && unique > 0 && unique <= tokens,
                 "not a batch: {} sequences, {} tokens, longest {}, {} distinct ids", sequences, tokens, longest,
                 unique);
    NOTNOT_CHECK_SIZE(token_ids, tokens);
    NOTNOT_CHECK_SIZE(offsets, sequences + 1);
    NOTNOT_CHECK_SIZE(unique_ids, unique);
    NOTNOT_CHECK_SIZE(unique_row, tokens);
    NOTNOT_CHECK_SIZE(occurrence_offsets, unique + 1);
    NOTNOT_CHECK_SIZE(occurrences, tokens);
  }
};

}  // namespace notnot
