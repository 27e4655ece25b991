// The entry point of every test program.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

/// AddressSanitizer reads its options here. By default it ends the program when an allocation fails; tests need the
/// failure to come back as the project's own error.
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }  // NOLINT

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  return context.run();
}
