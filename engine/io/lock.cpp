#include "engine/io/lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "engine/io/warning.h"

namespace notnot {

std::optional<FolderLock> FolderLock::take(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  const int descriptor = ::open((folder / kFile).c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (descriptor < 0) throw std::system_error(errno, std::generic_category());
  FolderLock lock(descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK) return std::nullopt;
  warn(fmt::format("{} cannot be locked ({}); make sure that nobody else writes to it", folder.string(),
                   std::generic_category().message(errno)));
  return lock;
}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace notnot
