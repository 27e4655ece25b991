#include "experiments/terminal/interrupt.h"

#include <atomic>
#include <csignal>

#include "engine/io/stop.h"

namespace notnot {
namespace {

std::atomic<bool> interrupted = false;

void handle(int signal_number) {
  if (signal_number == SIGINT && interrupted.exchange(true)) {
    std::signal(SIGINT, SIG_DFL);
    std::raise(SIGINT);
  }
  request_stop();
}

bool is_ignored(int signal_number) {
  struct sigaction before {};
  return sigaction(signal_number, nullptr, &before) == 0 && before.sa_handler == SIG_IGN;
}

}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = handle;
  action.sa_flags = SA_RESTART;  // a write that was interrupted goes on; whoever may wait for long uses poll
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) {
    // A shell starts its background jobs with INT ignored, and scripts send it to them all the same.
    if (signal_number == SIGHUP && is_ignored(SIGHUP)) continue;
    sigaction(signal_number, &action, nullptr);
  }
}

void outlive_readers() { std::signal(SIGPIPE, SIG_IGN); }

}  // namespace notnot
