#pragma once
// A ragged batch on a device: sequences of different lengths one after the other, never padded.
#include "kernels/base/operation.h"

namespace notnot {

/// The id that stands for no word: its row of an embedding is zero and stays zero.
inline constexpr int32_t kPaddingId = 0;

/// Sequence b is tokens offsets[b] .. offsets[b+1]-1, at least one; sequences stand longest first. Of a text the first
/// and the last token are <SOS> and <EOS>, with at least one word between them (check_texts).
///
/// Every token reads a row of a table of projected ids (token_projection.h). In training the table has only the batch's
/// distinct ids, and find_distinct_ids (engine/data/distinct_ids.h) makes the last four arrays. In evaluation the table
/// also has the ids of earlier batches (ProjectionRows in engine/data/batches.h), and of the last four arrays only
/// unique_row is there.
///
/// A batch may have slack behind its end, so that one captured launch serves batches of many sizes: tokens from
/// offsets[B] on belong to no sequence and read row 0, and ids behind the last distinct one are kPaddingId and occur
/// nowhere. N and U count the slack. Operations take N and U as the extent of matrix products, and zero the slack of
/// every array that such a product sums over. All other slack is unspecified, and none of it reaches a result.
struct RaggedBatch {
  int32_t sequences = 0;           ///< B
  int32_t tokens = 0;              ///< N, at least offsets[B]
  int32_t longest = 0;             ///< T, the first sequence's length
  int32_t unique = 0;              ///< U, rows of the table: at least the distinct ids
  Span<const int32_t> offsets;     ///< [B + 1]
  Span<const int32_t> unique_ids;  ///< [U] the distinct ids, ascending
  Span<const int32_t> unique_row;  ///< [N] every token's row of the table; in training its id's place in unique_ids
  Span<const int32_t> occurrence_offsets;  ///< [U + 1]
  Span<const int32_t> occurrences;         ///< [N] row u's tokens: occurrences[occurrence_offsets[u] ..), ascending

  void check() const {
    NOTNOT_CHECK(sequences > 0 && tokens >= sequences && longest <= tokens && unique > 0,
                 "not a batch: {} sequences, {} tokens, longest {}, {} ids", sequences, tokens, longest, unique);
    NOTNOT_CHECK_SIZE(offsets, sequences + 1);
    NOTNOT_CHECK_SIZE(unique_row, tokens);
  }
  /// For operations on whole texts.
  void check_texts() const {
    check();
    NOTNOT_CHECK(tokens >= 3 * sequences, "{} tokens are not {} texts with boundary tokens", tokens, sequences);
  }
  /// For operations that also read the distinct ids and their occurrences.
  void check_training() const {
    check();
    NOTNOT_CHECK_SIZE(unique_ids, unique);
    NOTNOT_CHECK_SIZE(occurrence_offsets, unique + 1);
    NOTNOT_CHECK_SIZE(occurrences, tokens);
  }
};

}  // namespace notnot
