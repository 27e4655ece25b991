#include "experiments/format/numbers.h"

#include <doctest/doctest.h>

#include <limits>

namespace notnot {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

TEST_CASE("large numbers") {
  CHECK(with_thousands(0) == "0");
  CHECK(with_thousands(999) == "999");
  CHECK(with_thousands(1000) == "1,000");
  CHECK(with_thousands(1234567) == "1,234,567");
  CHECK(with_thousands(-1) == "-1");
  CHECK(with_thousands(-100) == "-100");
  CHECK(with_thousands(-1000) == "-1,000");
  CHECK(with_thousands(std::numeric_limits<int64_t>::max()) == "9,223,372,036,854,775,807");
  CHECK(with_thousands(std::numeric_limits<int64_t>::min()) == "-9,223,372,036,854,775,808");
}

TEST_CASE("lists") {
  CHECK(joined_with_and({}).empty());
  CHECK(joined_with_and({"a"}) == "a");
  CHECK(joined_with_and({"a", "b"}) == "a and b");
  CHECK(joined_with_and({"a", "b", "c"}) == "a, b and c");
}

TEST_CASE("times are rounded to a second and have hours only when they need them") {
  CHECK(clock_time(0) == "0:00");
  CHECK(clock_time(0.4) == "0:00");
  CHECK(clock_time(0.5) == "0:01");
  CHECK(clock_time(59.4) == "0:59");
  CHECK(clock_time(59.6) == "1:00");
  CHECK(clock_time(600) == "10:00");
  CHECK(clock_time(3599.4) == "59:59");
  CHECK(clock_time(3599.6) == "1:00:00");
  CHECK(clock_time(100 * 3600 + 2 * 60 + 3) == "100:02:03");
}

TEST_CASE("measures") {
  CHECK(three_decimals(0) == "0.000");
  CHECK(three_decimals(0.8456) == "0.846");
  CHECK(three_decimals(-0.0126) == "-0.013");
  CHECK(three_decimals(-0.0004) == "0.000");
  CHECK(three_decimals(kNaN) == "-");
}

TEST_CASE("differences of measures have a sign unless they are shown as zero") {
  CHECK(signed_three_decimals(0) == "0.000");
  CHECK(signed_three_decimals(0.0004) == "0.000");
  CHECK(signed_three_decimals(-0.0004) == "0.000");
  CHECK(signed_three_decimals(-0.0126) == "-0.013");
  CHECK(signed_three_decimals(0.0126) == "+0.013");
  CHECK(signed_three_decimals(kNaN) == "-");
}

TEST_CASE("mean and spread") {
  CHECK(mean_and_spread({}) == "-");
  CHECK(mean_and_spread({0.5}) == "0.500");
  CHECK(mean_and_spread({0.4, 0.6}) == "0.500 ± 0.141");  // divided by n - 1: the root of 0.02
  CHECK(mean_and_spread({0.7, 0.7, 0.7}) == "0.700 ± 0.000");
}

}  // namespace
}  // namespace notnot
