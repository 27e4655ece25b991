#include "engine/io/stop.h"

#include <poll.h>

#include <atomic>

namespace notnot {
namespace {

std::atomic<bool> stop = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler sets it");

}  // namespace

void request_stop() noexcept { stop = true; }

bool stop_requested() noexcept { return stop; }

void check_stop() {
  if (stop) throw Interrupted("stopped");
}

void wait_until_readable(int descriptor) {
  // A signal ends a poll, but not one that begins just after it: so each poll is short.
  constexpr int kMilliseconds = 200;
  pollfd file{.fd = descriptor, .events = POLLIN, .revents = 0};
  int ready = 0;
  do {
    check_stop();
    ready = ::poll(&file, 1, kMilliseconds);
  } while (ready == 0 || (ready < 0 && stop));
}

}  // namespace notnot
