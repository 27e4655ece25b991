#pragma once
// The tests of operations share this: the device under test and checks of its results (device_data.h has the arrays and
// batches). One test body runs on every backend: NOTNOT_TEST_BACKEND is cpu (default) or cuda.
#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

#include "kernels/cases/device_data.h"

namespace notnot {

/// For cases that only one backend can run: TEST_CASE("... (CUDA)" * only_on(Backend::cuda)). On the other backend
/// doctest counts them as skipped.
doctest::skip only_on(Backend backend);

/// The device under test. If this machine lacks it, prints `skipped: REASON` and ends the program with code 77.
Device test_device();

/// A context on a second CUDA device. If there is none, says so in the output and returns null.
const Device* second_device();

// --- comparisons -----------------------------------------------------------------------------------------------------
/// Fails the test case unless difference() is empty.
void check_close(const std::vector<float>& actual, const std::vector<double>& expected, double tolerance,
                 const std::string& what);

template <class T>
void check_same_bytes(const std::vector<T>& actual, const std::vector<T>& expected, const std::string& what) {
  REQUIRE_MESSAGE(actual.size() == expected.size(), what, ": ", actual.size(), " elements, not ", expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    if (std::memcmp(&actual[i], &expected[i], sizeof(T)) == 0) continue;
    FAIL_CHECK(fmt::format("{}: element {} is {}, not {} (first difference)", what, i, actual[i], expected[i]));
    return;
  }
}

}  // namespace notnot
