#include "experiments/terminal/standard_output.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace notnot {
namespace {

int first_error = 0;  // changes only while `stdout` is locked

/// Says that it has written everything, so that the stream never fails.
ssize_t write_or_keep_error(void* /*cookie*/, const char* bytes, size_t size) {
  for (size_t done = 0; done < size && first_error == 0;) {
    const ssize_t written = ::write(STDOUT_FILENO, bytes + done, size - done);
    if (written >= 0) {
      done += written;
    } else if (errno == EAGAIN) {  // another program has made it non-blocking, and nobody reads
      pollfd output{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
      (void)::poll(&output, 1, -1);
    } else if (errno != EINTR) {
      first_error = errno;
    }
  }
  return static_cast<ssize_t>(size);
}

}  // namespace

void keep_output_errors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) >= 0) continue;
    // The lowest free number is this one. Reading fails for an output, writing for the input, as if they were closed.
    (void)!::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
  FILE* stream = ::fopencookie(nullptr, "w", {.read = nullptr, .write = write_or_keep_error, .seek = {}, .close = {}});
  if (stream == nullptr) return;
  // On a terminal each line appears at once, as it did before.
  std::setvbuf(stream, nullptr, ::isatty(STDOUT_FILENO) == 1 ? _IOLBF : _IOFBF, BUFSIZ);
  stdout = stream;
}

std::error_code close_standard_output() {
  std::fflush(stdout);
  if (::close(STDOUT_FILENO) != 0 && first_error == 0) first_error = errno;
  return {first_error, std::generic_category()};
}

}  // namespace notnot
