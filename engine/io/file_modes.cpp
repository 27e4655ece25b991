#include "engine/io/file_modes.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <mutex>

#include "engine/io/warning.h"

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

void warn_if_open(const std::filesystem::path& folder) {
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0 || (status.st_mode & 077) == 0) return;
  warn(
      fmt::format("{0} is confidential, and others can read it (its permissions are {1:o}); close it: chmod -R go= {0}",
                  folder.string(), status.st_mode & 07777));
}

void forbid_core_files() {
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  (void)::setrlimit(RLIMIT_CORE, &none);
}

}  // namespace notnot
