// Sizes that a file names are compared with the machine's memory.
#include "engine/io/memory.h"

#include <doctest/doctest.h>

#include <cstdint>

#include "tests/support/input_error.h"

using namespace notnot;

TEST_CASE("memory: what fits is let through, what does not is told with its size, and products do not wrap") {
  CHECK(input_error([] { check_memory(1000, 4, "a table"); }) == "no InputError was thrown");
  CHECK(input_error([] { check_memory(size_t{100} << 20, 1, "a table"); }) == "no InputError was thrown");
  CHECK_HAS(input_error([] { check_memory(int64_t{1} << 50, 4, "a table"); }),
            "a table takes 4294967296 MiB, and the machine has");
  CHECK_HAS(input_error([] { check_memory(INT64_MAX, 8, "a table"); }), "a table takes 8796093022207 MiB");
  CHECK_HAS(input_error([] { check_memory(int64_t{1} << 62, 4, "a table"); }), "a table takes");
}
