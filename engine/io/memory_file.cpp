#include "engine/io/memory_file.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cerrno>

#include "engine/io/files.h"

namespace notnot {
namespace {

/// Without MFD_CLOEXEC: the programs that we start inherit the file.
int make_file() {
  constexpr unsigned kNotExecutable = 8;  // MFD_NOEXEC_SEAL, which some systems demand and older ones do not know
  const int file = ::memfd_create("notnot", kNotExecutable);
  return file >= 0 || errno != EINVAL ? file : ::memfd_create("notnot", 0);
}

}  // namespace

MemoryFile::MemoryFile(std::string_view content) : file_(make_file()) {
  if (file_.get() < 0) throw_system_error("make", "a file in memory", errno);
  while (!content.empty()) {
    const ssize_t written = ::write(file_.get(), content.data(), content.size());
    if (written < 0 && errno != EINTR) throw_system_error("write", "a file in memory", errno);
    if (written > 0) content.remove_prefix(written);
  }
}

std::string MemoryFile::path() const { return fmt::format("/proc/self/fd/{}", file_.get()); }

std::string MemoryFile::content() const { return read_file(path()); }

}  // namespace notnot
