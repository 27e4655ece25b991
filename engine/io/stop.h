#pragma once
// The user's wish that the program stops. Whoever works for long asks for it between two pieces of work;
// experiments/terminal/interrupt.h sets it when a signal arrives.
#include "kernels/base/error.h"

namespace notnot {

/// Work that ended early because the user wished it: the same command does it again or goes on.
struct Interrupted : Error {
  using Error::Error;
};

/// Asks all work to stop. A signal handler may call it.
void request_stop() noexcept;
bool stop_requested() noexcept;
/// Throws Interrupted if the user has asked to stop.
void check_stop();
/// Waits until bytes, or the end, can be read from `descriptor`. Throws Interrupted as soon as the user asks to stop.
void wait_until_readable(int descriptor);
/// Waits until PIPE_BUF bytes (limits.h) can be written to `descriptor` at once, or writing fails. Throws likewise.
void wait_until_writable(int descriptor);

}  // namespace notnot
