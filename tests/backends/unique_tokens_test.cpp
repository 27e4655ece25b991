#include "kernels/cases/unique_tokens_case.h"
#include "tests/backends/backend.h"

namespace notnot {
namespace {

/// With so much slack behind the distinct ids.
void check_unique_tokens(const HostRagged& exact, int32_t vocabulary, int32_t slack = 0) {
  const HostRagged batch = with_slack(exact, 0, slack);
  const UniqueTokensCase arrays(test_device(), batch, vocabulary);
  unique_tokens(test_device(), arrays.arguments());
  check_same_bytes(arrays.unique_ids.host(), batch.unique_ids, "unique_ids");
  check_same_bytes(arrays.unique_row.host(), batch.unique_row, "unique_row");
  check_same_bytes(arrays.occurrence_offsets.host(), batch.occurrence_offsets, "occurrence_offsets");
  check_same_bytes(arrays.occurrences.host(), batch.occurrences, "occurrences");
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

TEST_CASE("slack behind the distinct ids holds the padding id, which occurs nowhere") {
  for (const int32_t slack : {1, 300}) check_unique_tokens(make_ragged({20, 9}, 64, 13), 64, slack);
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
