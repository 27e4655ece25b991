#include "engine/io/file_modes.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <mutex>

namespace notnot {
namespace {

std::atomic<bool> private_only = false;

}  // namespace

mode_t current_umask() {
  // The mask can only be read by setting it. Two threads at once could restore each other's.
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  const mode_t mask = ::umask(077);
  ::umask(mask);
  return mask;
}

void keep_private() {
  ::umask(077);
  // A limit of 0 does not stop a system whose core files go to a program; this does. Children start without it.
  (void)::prctl(PR_SET_DUMPABLE, 0);
  private_only = true;
}

bool is_private() { return private_only; }

void forbid_core_files() {
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  (void)::setrlimit(RLIMIT_CORE, &none);
}

}  // namespace notnot
