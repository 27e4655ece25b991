#include "experiments/terminal/interrupt.h"

#include <csignal>

namespace notnot {
namespace {

volatile std::sig_atomic_t stop = 0;

void handle(int signal_number) {
  if (stop != 0) {
    std::signal(signal_number, SIG_DFL);
    std::raise(signal_number);
  }
  stop = 1;
}

}  // namespace

void catch_interrupts() {
  std::signal(SIGINT, handle);
  std::signal(SIGTERM, handle);
}

bool interrupted() { return stop != 0; }

}  // namespace notnot
