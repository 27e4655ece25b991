#include "engine/io/stop.h"

#include <poll.h>

#include <atomic>
#include <cerrno>

namespace notnot {
namespace {

std::atomic<bool> stop = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler sets it");

void wait_for(int16_t events, int descriptor) {
  // A signal ends a poll, but not one that begins just after it: so each poll is short.
  constexpr int kMilliseconds = 200;
  pollfd file{.fd = descriptor, .events = events, .revents = 0};
  int ready = 0;
  do {
    check_stop();
    ready = ::poll(&file, 1, kMilliseconds);
  } while (ready == 0 || (ready < 0 && errno == EINTR));
}

}  // namespace

void request_stop() noexcept { stop = true; }

bool stop_requested() noexcept { return stop; }

void check_stop() {
  if (stop) throw Interrupted("stopped");
}

void wait_until_readable(int descriptor) { wait_for(POLLIN, descriptor); }

void wait_until_writable(int descriptor) { wait_for(POLLOUT, descriptor); }

}  // namespace notnot
