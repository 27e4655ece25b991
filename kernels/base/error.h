#pragma once
// Errors of the whole project. A failed check of our own code throws Error with the expression, the place and the
// shapes; bad input from the user throws InputError, whose message says what is wrong, where (file, row) and what to
// do.
#include <fmt/format.h>

#include <stdexcept>
#include <string>

namespace notnot {

struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The user can mend this: the message names the file and row, what was found, and the remedy. Shown without a source
/// line.
struct InputError : Error {
  using Error::Error;
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
