#include "tests/backends/backend.h"

#include <cstdlib>
#include <optional>

namespace notnot {
namespace {

[[noreturn]] void skip(const std::string& reason) {
  fmt::print("skipped: {}\n", reason);
  std::exit(77);
}

std::string backend_name() {
  const char* name = std::getenv("NOTNOT_TEST_BACKEND");
  return name == nullptr ? "cpu" : name;
}

Device open_test_device() {
  const std::string backend = backend_name();
  if (backend == "cuda") {
    std::string reason;
    if (cuda::device_count(reason) > 0) reason = cuda::why_unusable(0);
    if (!reason.empty()) skip(reason);
    return cuda::open(0);
  }
  NOTNOT_CHECK(backend == "cpu", "NOTNOT_TEST_BACKEND is `{}`; it can be cpu or cuda", backend);
  try {
    return open_cpu(2);
  } catch (const UnavailableIsa& error) {
    // An instruction set that this machine lacks is a reason to skip; a misspelt name is not.
    const char* isa = std::getenv("NOTNOT_CPU_ISA");
    if (isa != to_string(CpuIsa::avx2) && isa != to_string(CpuIsa::avx512)) throw;
    skip(error.what());
  }
}

}  // namespace

doctest::skip only_on(Backend backend) { return {(backend_name() == "cuda") != (backend == Backend::cuda)}; }

Device test_device() {
  static const Device device = open_test_device();
  return device;
}

const Device* second_device() {
  static const std::optional<Device> device = []() -> std::optional<Device> {
    std::string reason;
    if (cuda::device_count(reason) < 2 || !cuda::why_unusable(1).empty()) return std::nullopt;
    return cuda::open(1);
  }();
  if (!device) MESSAGE("skipped: there is no second CUDA device");
  return device ? &*device : nullptr;
}

void check_close(const std::vector<float>& actual, const std::vector<double>& expected, double tolerance,
                 const std::string& what) {
  const std::string wrong = difference(actual, expected, tolerance);
  CHECK_MESSAGE(wrong.empty(), what, ": ", wrong);
}

}  // namespace notnot
