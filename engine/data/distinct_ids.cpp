#include "engine/data/distinct_ids.h"

#include <algorithm>

#include "kernels/base/ragged.h"

namespace notnot {

void find_distinct_ids(const std::vector<int32_t>& token_ids, int32_t vocabulary, const DistinctIds& to) {
  std::vector<int32_t> row_of_id(vocabulary);  // first the count, then the row
  for (const int32_t id : token_ids) ++row_of_id[id];

  std::vector<int32_t> next;  // where the next occurrence of a row goes
  int32_t occurrences = 0;
  for (int32_t id = 0; id < vocabulary; ++id) {
    const int32_t count = row_of_id[id];
    if (count == 0) continue;
    const auto row = static_cast<int32_t>(next.size());
    NOTNOT_CHECK(row < to.unique_ids.size, "a batch has more than the {} distinct ids that were counted",
                 to.unique_ids.size);
    to.unique_ids[row] = id;
    to.occurrence_offsets[row] = occurrences;
    next.push_back(occurrences);
    row_of_id[id] = row;
    occurrences += count;
  }
  std::fill(to.unique_ids.data + next.size(), to.unique_ids.data + to.unique_ids.size, kPaddingId);
  std::fill(to.occurrence_offsets.data + next.size(), to.occurrence_offsets.data + to.occurrence_offsets.size,
            occurrences);

  for (size_t n = 0; n < token_ids.size(); ++n) {
    const int32_t row = row_of_id[token_ids[n]];
    to.unique_row[n] = row;
    to.occurrences[next[row]++] = static_cast<int32_t>(n);
  }
  std::fill(to.unique_row.data + token_ids.size(), to.unique_row.data + to.unique_row.size, 0);
}

}  // namespace notnot
