// Numbers come back as they were given, from memory and from a scratch file, which leaves no trace.
#include "engine/io/spool.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "kernels/base/error.h"
#include "tests/support/temporary_folder.h"

using namespace notnot;

namespace {

constexpr size_t kBuffer = (size_t{1} << 20) / sizeof(int32_t);

void check(Spool& spool, size_t size) {
  for (size_t i = 0; i < size; ++i) spool.push_back(7 * i);
  REQUIRE(spool.size() == size);
  const auto check_range = [&](size_t begin, size_t end) {
    std::vector<int32_t> expected;
    for (size_t i = begin; i < end; ++i) expected.push_back(7 * i);
    CHECK((spool.read(begin, end) == expected));
  };
  check_range(0, size);
  for (const size_t at : {size_t{0}, size_t{1}, kBuffer - 1, kBuffer, kBuffer + 1, 2 * kBuffer, size}) {
    if (at > size) continue;
    check_range(at, at);
    check_range(at, std::min(size, at + 5));
    check_range(at - std::min<size_t>(at, 5), at);
  }
  CHECK_THROWS_AS(spool.read(size, size + 1), Error);
  CHECK_THROWS_AS(spool.read(1, 0), Error);
}

}  // namespace

TEST_CASE("spool: what goes in comes out, in any part") {
  const TemporaryFolder folder;
  for (const size_t size : {size_t{0}, size_t{3}, kBuffer - 1, kBuffer, 2 * kBuffer + 10}) {
    Spool in_memory, in_file(folder / "scratch");
    check(in_memory, size);
    check(in_file, size);
    CHECK(std::filesystem::is_empty(folder.path()));
  }
}
