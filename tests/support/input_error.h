#pragma once
// For tests of the messages that a user reads when something is wrong.
#include <doctest/doctest.h>

#include <string>

#include "engine/io/input_error.h"

namespace notnot {

/// The message of the InputError that `action` throws. If it throws none, a text that says so, which no test expects.
template <class Action>
std::string input_error(const Action& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no InputError was thrown";
}

/// Checks that `message` contains `part`; prints the message if not.
#define CHECK_HAS(message, part)                            \
  do {                                                      \
    const std::string checked_message = (message);          \
    INFO(checked_message);                                  \
    CHECK(checked_message.find(part) != std::string::npos); \
  } while (false)

}  // namespace notnot
