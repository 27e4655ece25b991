#include "engine/io/private_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "engine/io/file_modes.h"
#include "engine/io/input_error.h"

namespace notnot {
namespace {

[[noreturn]] void throw_reason(int error) { throw std::system_error(error, std::generic_category()); }

/// Whether `name` in `parent` is the open folder.
bool is_named(int parent, const std::string& name, int folder) {
  struct stat named {
  }, open{};
  return ::fstatat(parent, name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 && ::fstat(folder, &open) == 0 &&
         named.st_dev == open.st_dev && named.st_ino == open.st_ino;
}

/// Never over something else. A file system that cannot promise that still refuses a folder that is not empty.
void rename_in(int parent, const std::string& from, const std::string& to) {
  if (::renameat2(parent, from.c_str(), parent, to.c_str(), RENAME_NOREPLACE) == 0) return;
  if (errno != EINVAL || ::renameat(parent, from.c_str(), parent, to.c_str()) != 0) throw_reason(errno);
}

}  // namespace

std::optional<PrivateFolder> PrivateFolder::make(const std::filesystem::path& path) {
  const std::filesystem::path above = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  std::filesystem::create_directories(above);
  Descriptor parent(::open(above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::string name = path.filename().string();
  if (parent.get() < 0 || (::mkdirat(parent.get(), name.c_str(), 0700) != 0 && errno != EEXIST)) throw_reason(errno);
  // Without O_CLOEXEC, as in OpenFolder.
  Descriptor folder(::openat(parent.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  const int error = errno;
  if (folder.get() < 0 && error != ELOOP && error != ENOTDIR) throw_reason(error);
  struct stat status {};
  const bool own = folder.get() >= 0 && ::fstat(folder.get(), &status) == 0 && status.st_uid == ::geteuid();
  if (!own) {
    throw InputError(
        fmt::format("{} is needed for the work, and is no folder of yours: somebody else made it, or it is a "
                    "link or a file; remove it, or choose another folder",
                    path.string()));
  }
  // First, so that nobody puts anything into a folder that an older version left open to others.
  if (::fchmod(folder.get(), 0700) != 0) throw_reason(errno);
  PrivateFolder made(std::move(parent), std::move(name), std::move(folder));
  made.lock_ = FolderLock::take(made.path());
  if (!made.lock_) {
    made.name_.clear();  // it is the other process's
    return std::nullopt;
  }
  if (!remove_content(made.folder_, FolderLock::kFile)) {
    throw InputError(fmt::format("{} was left by an earlier command and cannot be emptied; remove it", path.string()));
  }
  return made;
}

PrivateFolder::~PrivateFolder() {
  if (name_.empty() || parent_.get() < 0) return;
  if (remove_content(folder_)) (void)::unlinkat(parent_.get(), name_.c_str(), AT_REMOVEDIR);
}

void PrivateFolder::become(const std::string& name) {
  if (::fchmod(folder_.descriptor(), 0777 & ~current_umask()) != 0) throw_reason(errno);
  // Looked at again afterwards: somebody may be quick.
  if (!is_named(parent_.get(), name_, folder_.descriptor())) throw_reason(ESTALE);
  rename_in(parent_.get(), name_, name);
  if (!is_named(parent_.get(), name, folder_.descriptor())) throw_reason(ESTALE);
  name_.clear();
  // The folder has its name, so nobody else writes to it. The lock goes before its file does: NFS would rename a file
  // that is open instead of removing it.
  lock_.reset();
  (void)::unlinkat(folder_.descriptor(), FolderLock::kFile, 0);
}

}  // namespace notnot
