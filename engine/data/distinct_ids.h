#pragma once
// The distinct token ids of a batch and where each occurs. The input projection depends only on the id, so it and its
// gradient are computed once per distinct id (kernels/token_projection.h). The sums over an id's occurrences run in
// ascending order, which fixes every bit.
#include <cstdint>
#include <vector>

#include "kernels/base/span.h"

namespace notnot {

/// The last four arrays of a RaggedBatch (kernels/base/ragged.h), in host memory. N and U may be larger than the batch:
/// behind the last distinct id comes kPaddingId, which occurs nowhere; tokens behind the last one read row 0; and of
/// `occurrences` that part stays as it is, because nobody reads it.
struct DistinctIds {
  Span<int32_t> unique_ids;          ///< out [U] ascending
  Span<int32_t> unique_row;          ///< out [N]
  Span<int32_t> occurrence_offsets;  ///< out [U + 1]
  Span<int32_t> occurrences;         ///< out [N]
};
/// Sorts by counting, in O(N + V). Every id is in [0, vocabulary). Throws Error if there are more than U distinct ids.
void find_distinct_ids(const std::vector<int32_t>& token_ids, int32_t vocabulary, const DistinctIds& to);

}  // namespace notnot
