#include "bench/exact_adversary_lengths.h"

#include <doctest/doctest.h>

#include "kernels/base/device.h"

namespace notnot::bench {
namespace {

TEST_CASE("the exact adversary against text length: records need fewer pairs, but not in the worst case") {
  const Device device = open_cpu(1);
  const std::vector<int32_t> words = {1, 10, 300};
  const auto records = exact_adversary_times(device, ExactSeries::records, words, 3, 2);
  const auto all = exact_adversary_times(device, ExactSeries::all_pairs, words, 3, 2);
  const auto worst = exact_adversary_times(device, ExactSeries::worst_records, words, 3, 2);
  REQUIRE(records.size() == 3);
  CHECK(records[0].pairs == 0);  // one word has no pair
  CHECK(all[1].pairs <= 2 * 25);
  CHECK(records[2].words == 300);
  CHECK(records[2].seconds > 0);
  CHECK(records[2].pairs < 0.02 * all[2].pairs);
  CHECK(worst[2].pairs > 0.1 * all[2].pairs);
}

}  // namespace
}  // namespace notnot::bench
