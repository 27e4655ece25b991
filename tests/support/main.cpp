// The entry point of every test program.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

/// Read by AddressSanitizer: more memory than there is must come back as our own error, not end the test.
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }  // NOLINT

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  return context.run();
}
