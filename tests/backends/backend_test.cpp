// Tests of the comparisons that all other tests use, and of the memory functions of the device under test.
#include "tests/backends/backend.h"

#include <cmath>
#include <cstdlib>

namespace notnot {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

bool close(const std::vector<float>& actual, const std::vector<double>& expected, double tolerance = 1e-6) {
  return difference(actual, expected, tolerance).empty();
}

TEST_CASE("difference is relative to the largest value") {
  CHECK(close({1000, 1e-9F}, {1000, 0}));
  CHECK(close({0, 0}, {0, 0}));
  CHECK(!close({1000, 0.01F}, {1000, 0}));
  CHECK(!close({1e-5F}, {0}));
  CHECK(!close({1}, {1, 1}));
}

TEST_CASE("neither NaN nor a wrong infinity passes") {
  CHECK(!close({kNaN, 1}, {1, 1}, 1e30));
  CHECK(!close({1, kNaN}, {1, kNaN}, 1e30));
  CHECK(!close({1, 2}, {1, kNaN}, 1e30));
  CHECK(!close({kInfinity, 1}, {1, 1}, 1e30));
  CHECK(!close({kInfinity, 1}, {-kInfinity, 1}, 1e30));
  CHECK(!close({1, 1}, {-kInfinity, 1}, 1e30));
  CHECK(close({-kInfinity, 1}, {-kInfinity, 1}));
}

TEST_CASE("the message names the worst element") {
  CHECK(difference({1, 2.5F, 3.2F}, {1, 2, 3}, 1e-6).find("element 1 is 2.5, not 2") != std::string::npos);
  CHECK(difference({1, 2.5F, kNaN}, {1, 2, 3}, 1e-6).find("2 of 3 elements differ; element 2 is nan") !=
        std::string::npos);
}

TEST_CASE("batches: distinct ids and occurrences") {
  const HostRagged batch = make_ragged({3, 9, 5}, 7, 1);
  CHECK(batch.offsets == std::vector<int32_t>{0, 9, 14, 17});
  CHECK(batch.longest == 9);
  for (size_t n = 0; n < batch.token_ids.size(); ++n) {
    CHECK(batch.unique_ids.at(batch.unique_row[n]) == batch.token_ids[n]);
  }
  CHECK(select_sequences(batch, {0, 1, 2}).token_ids == batch.token_ids);
  CHECK(select_sequences(batch, {2}).offsets == std::vector<int32_t>{0, 3});
}

TEST_CASE("device memory") {
  const Device device = test_device();
  const std::vector<float> values = random_floats(1000, 3);
  const DeviceArray<float> array(device, values);
  check_same_bytes(array.host(), values, "there and back");
  fill_zero(device, array.span().subspan(0, 10));
  CHECK(array.host()[9] == 0);
  CHECK(array.host()[10] == values[10]);
  CHECK(std::isnan(DeviceArray<float>(device, 5).host()[4]));
  synchronize(device);
}

TEST_CASE("more memory than there is names the bytes") {
  constexpr size_t kTooMuch = size_t{1} << 60;
  std::string message;
  try {
    release(test_device(), allocate(test_device(), kTooMuch));
  } catch (const OutOfMemory& error) {
    message = error.what();
  }
  CHECK(message.find(std::to_string(kTooMuch)) != std::string::npos);
}

}  // namespace
}  // namespace notnot
