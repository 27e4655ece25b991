// A counting sort over the vocabulary: count per id, number the ids that occur, place the occurrences. O(N + V), on one
// thread: with the largest vocabulary of the paper (19,000 ids) it is 1 % of a training step.
#include "kernels/base/cpu.h"
#include "kernels/unique_tokens.h"

namespace notnot::NOTNOT_CPU_NAMESPACE {

void unique_tokens(const Device&, const UniqueTokens& args) {
  int32_t* row_of_id = args.workspace.data;     // [V] first the count, then the row
  int32_t* next = row_of_id + args.vocabulary;  // [U] where the next occurrence of a row goes
  __builtin_memset(row_of_id, 0, args.vocabulary * sizeof(int32_t));
  for (int32_t n = 0; n < args.tokens; ++n) ++row_of_id[args.token_ids[n]];

  int32_t row = 0, occurrences = 0;
  for (int32_t id = 0; id < args.vocabulary; ++id) {
    const int32_t count = row_of_id[id];
    if (count == 0) continue;
    if (row == args.unique) throw_wrong_unique_count(args.unique, row + 1);
    args.unique_ids[row] = id;
    args.occurrence_offsets[row] = occurrences;
    next[row] = occurrences;
    row_of_id[id] = row++;
    occurrences += count;
  }
  for (int32_t slack = row; slack < args.unique; ++slack) {
    args.unique_ids[slack] = kPaddingId;
    args.occurrence_offsets[slack] = occurrences;
  }
  args.occurrence_offsets[args.unique] = occurrences;

  for (int32_t n = 0; n < args.tokens; ++n) {
    const int32_t u = row_of_id[args.token_ids[n]];
    args.unique_row[n] = u;
    args.occurrences[next[u]++] = n;
  }
}

}  // namespace notnot::NOTNOT_CPU_NAMESPACE
