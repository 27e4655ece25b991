#include "engine/io/open_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include "engine/io/files.h"
#include "engine/io/input_error.h"

namespace notnot {
namespace {

constexpr const char* kOpenFiles = "/proc/self/fd";

// Without O_CLOEXEC: the programs that we start need the folder, too.
Descriptor open_made(const std::filesystem::path& path) {
  const std::filesystem::path target = follow_links(path.has_filename() ? path : path.parent_path());
  std::filesystem::create_directories(target);
  Descriptor folder(::open(target.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  if (folder.get() < 0) throw std::system_error(errno, std::generic_category());
  return folder;
}

/// Calls `handle` with the name of each entry until it returns false. Returns whether all could be read and handled.
bool for_each_entry(int folder, const std::function<bool(const char* name)>& handle) {
  const int again = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(again < 0 ? nullptr : ::fdopendir(again), ::closedir);
  if (!entries) {
    if (again >= 0) ::close(again);
    return false;
  }
  errno = 0;
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && !handle(entry->d_name)) return false;
    errno = 0;
  }
  return errno == 0;
}

bool remove_entries(int folder, std::string_view kept) {
  return for_each_entry(folder, [&](const char* name) {
    if (name == kept || ::unlinkat(folder, name, 0) == 0 || errno == ENOENT) return true;
    const Descriptor below(::openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    return below.get() >= 0 && remove_entries(below.get(), "") && ::unlinkat(folder, name, AT_REMOVEDIR) == 0;
  });
}

}  // namespace

OpenFolder::OpenFolder(const std::filesystem::path& path) : OpenFolder(open_made(path)) {}

OpenFolder::OpenFolder(Descriptor folder)
    : folder_(std::move(folder)), path_(std::filesystem::path(kOpenFiles) / std::to_string(folder_.get())) {}

bool is_in_open_folder(const std::filesystem::path& path) { return path.parent_path().parent_path() == kOpenFiles; }

std::filesystem::path shown_path(const std::filesystem::path& path) {
  if (!is_in_open_folder(path)) return path;
  const std::filesystem::path folder = path.parent_path();
  std::error_code error;
  const auto real = std::filesystem::read_symlink(folder, error);
  return error ? path : real / path.filename();
}

bool remove_content(const OpenFolder& folder, const char* kept) { return remove_entries(folder.descriptor(), kept); }

void make_private(const std::filesystem::path& path) {
  const OpenFolder folder(path);
  struct stat status {};
  const auto refuse = [&path](std::string_view reason) {
    throw InputError(
        fmt::format("{} is for confidential data and cannot be kept from others: {}; choose another folder",
                    path.string(), reason));
  };
  if (::fstat(folder.descriptor(), &status) == 0 && status.st_uid != ::geteuid()) refuse("it belongs to another user");
  if (::fchmod(folder.descriptor(), 0700) != 0) refuse(std::generic_category().message(errno));
  for_each_entry(folder.descriptor(), [&](const char* name) {
    struct stat entry {};
    if (::fstatat(folder.descriptor(), name, &entry, AT_SYMLINK_NOFOLLOW) != 0) return true;  // it is gone
    if (!S_ISREG(entry.st_mode) && !S_ISDIR(entry.st_mode) && !S_ISLNK(entry.st_mode)) {
      refuse(fmt::format("{} is no file, and would hand on what is written to it", name));
    }
    if (!S_ISREG(entry.st_mode) || (entry.st_mode & 077) == 0) return true;
    // O_NONBLOCK: by now it may be a pipe, for which it would wait.
    const Descriptor file(::openat(folder.descriptor(), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (file.get() < 0 || ::fchmod(file.get(), 0600) != 0) {
      refuse(fmt::format("{}: {}", name, std::generic_category().message(errno)));
    }
    return true;
  });
}

}  // namespace notnot
