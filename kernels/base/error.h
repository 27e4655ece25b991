#pragma once
// Error is the exception of the whole project. NOTNOT_CHECK throws it where the project's own code is at fault; the
// message holds the expression, the place in the source and the values. For bad input from the user there is a class of
// its own, InputError (engine/io/input_error.h).
#include <fmt/format.h>

#include <cstddef>
#include <stdexcept>
#include <string>

namespace notnot {

struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// There is not enough memory of a device. Memory that the C++ library asks for throws std::bad_alloc instead.
struct OutOfMemory : Error {
  explicit OutOfMemory(size_t bytes, const std::string& where)
      : Error(fmt::format("no {} for {} bytes ({} MiB)", where, bytes, bytes >> 20)) {}
};

[[noreturn]] inline void throw_check_failed(const char* expression, const char* file, int line,
                                            const std::string& message) {
  throw Error(fmt::format("{}:{}: check `{}` failed: {}", file, line, expression, message));
}

}  // namespace notnot

/// Throws Error unless `condition` holds; the rest is a fmt format string and its arguments (shapes, and what to do).
#define NOTNOT_CHECK(condition, ...)                                                                            \
  do {                                                                                                          \
    if (!(condition)) ::notnot::throw_check_failed(#condition, __FILE__, __LINE__, ::fmt::format(__VA_ARGS__)); \
  } while (false)
