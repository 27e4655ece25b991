#include "kernels/unique_tokens.h"

#include "tests/backends/backend.h"

namespace notnot {
namespace {

/// `room`: distinct ids that the batch has space for behind those that it has.
void check_unique_tokens(const HostRagged& exact, int32_t vocabulary, int32_t room = 0) {
  const HostRagged batch = with_slack(exact, 0, room);
  const Device device = test_device();
  const DeviceArray<int32_t> token_ids(device, batch.token_ids), unique_ids(device, batch.unique());
  const DeviceArray<int32_t> unique_row(device, batch.tokens()), occurrence_offsets(device, batch.unique() + 1);
  const DeviceArray<int32_t> occurrences(device, batch.tokens());
  const DeviceArray<int32_t> workspace(device, unique_tokens_workspace(batch.tokens(), vocabulary));
  unique_tokens(device, {.tokens = batch.tokens(),
                         .vocabulary = vocabulary,
                         .unique = batch.unique(),
                         .token_ids = token_ids,
                         .unique_ids = unique_ids,
                         .unique_row = unique_row,
                         .occurrence_offsets = occurrence_offsets,
                         .occurrences = occurrences,
                         .workspace = workspace});
  check_same_bytes(unique_ids.host(), batch.unique_ids, "unique_ids");
  check_same_bytes(unique_row.host(), batch.unique_row, "unique_row");
  check_same_bytes(occurrence_offsets.host(), batch.occurrence_offsets, "occurrence_offsets");
  check_same_bytes(occurrences.host(), batch.occurrences, "occurrences");
}

TEST_CASE("unique_tokens on every shape") {
  for (const NamedLengths& shape : ragged_shapes()) {
    // Few ids, a power of two, one more than that, and more ids than tokens.
    for (const int32_t vocabulary : {5, 64, 65, 20000}) {
      CAPTURE(shape.name);
      CAPTURE(vocabulary);
      check_unique_tokens(make_ragged(shape.lengths, vocabulary, 11), vocabulary);
    }
  }
}

TEST_CASE("unique_tokens on a batch of several sorting tiles") {
  check_unique_tokens(make_ragged(std::vector<int32_t>(40, 700), 19000, 12), 19000);
}

TEST_CASE("room for more distinct ids holds the padding id, which occurs nowhere") {
  for (const int32_t room : {1, 300}) check_unique_tokens(make_ragged({20, 9}, 64, 13), 64, room);
}

TEST_CASE("the highest id of the vocabulary") {
  HostRagged batch = make_ragged({5}, 32, 1);
  batch.token_ids = {31, 0, 31, 16, 0};
  batch.unique_ids = {0, 16, 31};
  batch.unique_row = {2, 0, 2, 1, 0};
  batch.occurrence_offsets = {0, 2, 3, 5};
  batch.occurrences = {1, 4, 3, 0, 2};
  check_unique_tokens(batch, 32);
}

}  // namespace
}  // namespace notnot
