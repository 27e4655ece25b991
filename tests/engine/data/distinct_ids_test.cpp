#include "engine/data/distinct_ids.h"

#include <doctest/doctest.h>

#include <span>

#include "kernels/base/error.h"
#include "kernels/cases/device_data.h"

namespace notnot {
namespace {

/// Against the plain code of make_ragged, with so much slack behind the distinct ids and the tokens.
void check_distinct_ids(const HostRagged& exact, int32_t vocabulary, int32_t slack = 0) {
  const HostRagged batch = with_slack(exact, 0, slack);
  std::vector<int32_t> ids(batch.unique()), row(batch.tokens() + slack, 1 << 30), offsets(batch.unique() + 1),
      occurrences(batch.tokens() + slack, -1);
  const auto span = [](std::vector<int32_t>& values) { return Span<int32_t>{values.data(), std::ssize(values)}; };
  find_distinct_ids(batch.token_ids, vocabulary, {span(ids), span(row), span(offsets), span(occurrences)});
  CHECK(ids == batch.unique_ids);
  CHECK(head(row, batch.tokens()) == batch.unique_row);
  for (const int32_t behind : std::span(row).subspan(batch.tokens())) CHECK(behind == 0);  // every token has a row
  CHECK(offsets == batch.occurrence_offsets);
  CHECK(head(occurrences, batch.tokens()) == batch.occurrences);
}

}  // namespace

TEST_CASE("the distinct ids of every shape of batch") {
  for (const NamedLengths& shape : ragged_shapes()) {
    for (const int32_t vocabulary : {5, 64, 65, 20000}) {  // few ids, and more ids than tokens
      CAPTURE(shape.name);
      CAPTURE(vocabulary);
      check_distinct_ids(make_ragged(shape.lengths, vocabulary, 11), vocabulary);
    }
  }
}

TEST_CASE("slack behind the distinct ids holds the padding id, which occurs nowhere; slack tokens read row 0") {
  for (const int32_t slack : {1, 300}) check_distinct_ids(make_ragged({20, 9}, 64, 13), 64, slack);
}

TEST_CASE("the lowest and the highest id of the vocabulary") {
  HostRagged batch = make_ragged({5}, 32, 1);
  batch.token_ids = {31, 0, 31, 16, 0};
  batch.unique_ids = {0, 16, 31};
  batch.unique_row = {2, 0, 2, 1, 0};
  batch.occurrence_offsets = {0, 2, 3, 5};
  batch.occurrences = {1, 4, 3, 0, 2};
  check_distinct_ids(batch, 32);
}

TEST_CASE("more distinct ids than were counted are an error") {
  std::vector<int32_t> two(2), three(3), four(4);
  const DistinctIds to{{two.data(), 2}, {four.data(), 4}, {three.data(), 3}, {four.data(), 4}};
  CHECK_THROWS_WITH_AS(find_distinct_ids({4, 2, 4, 1}, 5, to), doctest::Contains("more than the 2 distinct ids"),
                       Error);
}

}  // namespace notnot
