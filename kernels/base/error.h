#pragma once
// Error is the exception of the whole project. NOTNOT_CHECK throws it where the project's own code is at fault; the
// message holds the expression, the place in the source and the values. For bad input from the user there is a class of
// its own, InputError (engine/io/input_error.h).
#include <fmt/format.h>

#include <stdexcept>
#include <string>

namespace notnot {

struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
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
