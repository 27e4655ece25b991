#include "experiments/terminal/interrupt.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <system_error>
#include <thread>

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

/// Lets the signals come to a thread of their own alone, which does nothing else; threads that start from now on block
/// them. A product of oneDNN that signals interrupted again and again was seen to spoil the heap (AVX-512).
void take_on_own_thread(const sigset_t& signals) {
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &signals, &before);
  try {
    std::thread([signals] {
      pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
      for (;;) ::pause();
    }).detach();
  } catch (const std::system_error&) {  // no thread is to be had
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
}

}  // namespace

void catch_interrupts() {
  sigset_t caught;
  sigemptyset(&caught);
  struct sigaction action {};
  action.sa_handler = handle;
  action.sa_flags = SA_RESTART;  // a write that was interrupted goes on; whoever may wait for long uses poll
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) {
    // A shell starts its background jobs with INT ignored, and scripts send it to them all the same.
    if (signal_number == SIGHUP && is_ignored(SIGHUP)) continue;
    sigaction(signal_number, &action, nullptr);
    sigaddset(&caught, signal_number);
  }
  take_on_own_thread(caught);
}

void outlive_readers() { std::signal(SIGPIPE, SIG_IGN); }

}  // namespace notnot
