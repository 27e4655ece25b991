#include "engine/device/arena.h"

#include <doctest/doctest.h>

namespace notnot {

// Under AddressSanitizer a gap follows every span.
#if defined(__SANITIZE_ADDRESS__)
constexpr int64_t kGap = 256;
#else
constexpr int64_t kGap = 0;
#endif

TEST_CASE("an arena carves one zeroed block into the declared spans") {
  const Device device = open_cpu(1);
  Span<float> a, empty;
  Span<int32_t> b;
  Arena arena;
  arena.add("first", "a", {3, 5}, &a);
  arena.add("first", "empty", {0}, &empty);
  arena.add("second", "b", {7}, &b);
  CHECK(total_bytes(arena.table()) == 512);
  arena.allocate(device);
  CHECK(a.size == 15);
  CHECK(empty.empty());
  CHECK(b.size == 7);
  CHECK(reinterpret_cast<char*>(b.data) - reinterpret_cast<char*>(a.data) == 256 + 2 * kGap);  // `empty` has one, too
  for (int i = 0; i < 15; ++i) CHECK(a[i] == 0);
  CHECK_THROWS_AS(arena.add("late", "c", {1}, &a), Error);
}

TEST_CASE("the memory table sums its groups and the total") {
  const std::string text =
      format_memory_table({{"x", "one", {2, 3}, 1 << 20}, {"x", "two", {4}, 3 << 20}, {"y", "three", {}, 1 << 20}});
  CHECK(text.find("[2, 3]") != std::string::npos);
  CHECK(text.find("x together") != std::string::npos);
  CHECK(text.find("4.000 MiB") != std::string::npos);
  CHECK(text.find("5.000 MiB") != std::string::npos);
}

TEST_CASE("more memory than there is gives an error that says how much was asked for") {
  const Device device = open_cpu(1);
  Span<float> huge;
  Arena arena;
  arena.add("huge", "huge", {int64_t{1} << 50}, &huge);
  CHECK_THROWS_WITH_AS(arena.allocate(device),
                       doctest::Contains(fmt::format("{} bytes", 4503599627370496 + kGap).c_str()), OutOfMemory);
}

}  // namespace notnot
