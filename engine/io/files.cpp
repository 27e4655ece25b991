#include "engine/io/files.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "engine/io/cut_short.h"
#include "engine/io/descriptor.h"
#include "engine/io/file_modes.h"
#include "engine/io/input_error.h"
#include "engine/io/memory.h"
#include "engine/io/open_folder.h"
#include "engine/io/stop.h"

namespace notnot {
namespace {

// Short and independent of the target's name, so that a target of the longest allowed name can still be written.
constexpr std::string_view kTemporaryPrefix = ".notnot-";
constexpr std::string_view kTemporarySuffix = ".tmp";
constexpr size_t kBufferBytes = size_t{1} << 20;

/// "a folder", "a pipe" or "a device".
const char* kind_of(const struct stat& status) {
  if (S_ISDIR(status.st_mode)) return "a folder";
  return S_ISFIFO(status.st_mode) ? "a pipe" : S_ISSOCK(status.st_mode) ? "a socket" : "a device";
}

/// The descriptor is closed with the last copy of the pointer.
std::shared_ptr<const int> shared_descriptor(int descriptor) {
  return {new int(descriptor), [](const int* fd) {
            if (*fd >= 0) ::close(*fd);
            delete fd;
          }};
}

[[noreturn]] void throw_write_error(const std::filesystem::path& path, int error) {
  if (same_file(path, kStandardOutput)) {
    throw Error(fmt::format("cannot write to standard output: {}", std::generic_category().message(error)));
  }
  throw_system_error("write", path, error);
}

void write_all(int descriptor, std::string_view bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_write_error(path, errno);
    bytes.remove_prefix(written);
  }
}

/// To a pipe or a device. Perhaps nobody reads from it: no more is written at once than goes in without waiting, so
/// that the wait can be stopped.
void write_to_stream(int descriptor, std::string_view bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    wait_until_writable(descriptor);
    const ssize_t written = ::write(descriptor, bytes.data(), std::min<size_t>(bytes.size(), PIPE_BUF));
    // EAGAIN: a pipe that another program has made non-blocking, and that a third one has filled.
    if (written < 0 && errno != EINTR && errno != EAGAIN) throw_write_error(path, errno);
    if (written > 0) bytes.remove_prefix(written);
  }
}

void read_all(int descriptor, size_t begin, size_t bytes, void* to, const std::filesystem::path& path) {
  auto* at = static_cast<char*>(to);
  while (bytes > 0) {
    const ssize_t got = ::pread(descriptor, at, bytes, begin);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_system_error("read", path, errno);
    if (got == 0) throw InputError(fmt::format("cannot read {}: it ends at byte {}", shown_path(path).string(), begin));
    at += got;
    begin += got;
    bytes -= got;
  }
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

/// Without links and dots, and without a slash at the end.
std::filesystem::path real_path(const std::filesystem::path& path) {
  std::error_code error;
  const auto real = std::filesystem::weakly_canonical(std::filesystem::absolute(path, error), error);
  return real.has_filename() ? real : real.parent_path();
}

std::filesystem::path temporary_path(const std::filesystem::path& target) {
  static std::atomic<uint64_t> counter{0};
  return folder_of(target) / fmt::format("{}{}-{}{}", kTemporaryPrefix, getpid(), counter++, kTemporarySuffix);
}

/// Collects small pieces for a descriptor, to which `write` writes. `path` is for messages.
class Buffer {
 public:
  using Write = void (*)(int descriptor, std::string_view bytes, const std::filesystem::path& path);
  Buffer(int descriptor, std::filesystem::path path, Write write)
      : descriptor_(descriptor), path_(std::move(path)), write_(write) {}

  void append(std::string_view piece) {
    if (bytes_.size() + piece.size() > kBufferBytes) flush();
    if (piece.size() > kBufferBytes) {
      write_(descriptor_, piece, path_);
    } else {
      bytes_.append(piece);
    }
  }

  void flush() {
    write_(descriptor_, bytes_, path_);
    bytes_.clear();
  }

 private:
  int descriptor_;
  std::filesystem::path path_;
  Write write_;
  std::string bytes_;
};

// --- where the bytes go ----------------------------------------------------------------------------------------------

/// Whether the folder lists the open files of a process, as /dev/fd does. Its entries look like symbolic links, but to
/// open one is to open the very file that the process has open, whatever its name leads to now.
bool lists_open_files(const std::filesystem::path& folder) {
  std::error_code error;
  const auto real = std::filesystem::canonical(folder, error);
  return !error && real.string().starts_with("/proc/") && real.filename() == "fd";
}

/// The number in the name of one of this process's open files; nothing for other paths.
std::optional<int> own_descriptor(const std::filesystem::path& path) {
  std::error_code error;
  const std::string name = path.filename().string();
  int number = 0;
  const auto [end, fault] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (fault != std::errc() || end != name.data() + name.size()) return std::nullopt;
  const auto folder = std::filesystem::canonical(folder_of(path), error);
  if (error || folder != std::filesystem::canonical("/proc/self/fd", error)) return std::nullopt;
  return number;
}

/// Opens a pipe or a device. To open a pipe waits for somebody who reads from it, until the user asks to stop.
int open_to_write(const std::filesystem::path& target, bool is_pipe) {
  constexpr auto kBetweenTries = std::chrono::milliseconds(50);
  for (;;) {
    const int fd = ::open(target.c_str(), O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 || errno != ENXIO || !is_pipe) return fd;
    check_stop();
    std::this_thread::sleep_for(kBetweenTries);
  }
}

/// Opens a target that is written through: a device, a pipe, an open file of a process. -1 for one that is replaced.
Descriptor open_stream(const std::filesystem::path& path, const std::filesystem::path& target) {
  struct stat status {};
  const bool exists = ::stat(target.c_str(), &status) == 0, open_file = lists_open_files(folder_of(target));
  if (!open_file && (!exists || S_ISREG(status.st_mode))) return Descriptor(-1);
  if (exists && (S_ISDIR(status.st_mode) || S_ISBLK(status.st_mode))) {
    throw InputError(fmt::format("cannot write {}: it is not a regular file but a {}; choose another path",
                                 shown_path(path).string(), S_ISDIR(status.st_mode) ? "folder" : "disk"));
  }
  // A duplicate goes on where the process itself writes; a file that is opened once more begins at its own place.
  const std::optional<int> own = own_descriptor(target);
  const int fd = own ? ::fcntl(*own, F_DUPFD_CLOEXEC, 0) : open_to_write(target, S_ISFIFO(status.st_mode));
  if (fd < 0) throw_system_error("write", path, errno);
  return Descriptor(fd);
}

}  // namespace

/// The file that becomes `target` on commit, and disappears without it. `path` is what the user calls it.
class TemporaryFile {
 public:
  TemporaryFile(const std::filesystem::path& path, const std::filesystem::path& target)
      : path_(path),
        target_(target),
        temporary_(temporary_path(target)),
        file_(open()),
        buffer_(file_.get(), path, write_all) {}
  ~TemporaryFile() {
    if (!committed_) ::unlink(temporary_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void append(std::string_view piece) { buffer_.append(piece); }

  /// From now on the content is on the disk, and no descriptor is open.
  void complete() {
    buffer_.flush();
    set_permissions();
    if (::fsync(file_.get()) != 0) throw_write_error(path_, errno);
    if (const int error = file_.close()) throw_write_error(path_, error);
  }

  /// After `complete`.
  void commit() {
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) throw_system_error("write", path_, errno);
    committed_ = true;
    // Makes the rename itself survive a power cut. Not every file system can sync a folder, and the new content is
    // already in place, so a failure here is no failure of the write.
    const Descriptor folder(::open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.get() >= 0) (void)::fsync(folder.get());
  }

 private:
  // O_EXCL follows no link. Until commit, nobody else may read what may be private.
  int open() {
    struct stat status {};
    const bool exists = ::lstat(target_.c_str(), &status) == 0;
    if (exists && S_ISDIR(status.st_mode)) throw_system_error("write", path_, EISDIR);
    if (exists && S_ISREG(status.st_mode)) existing_ = status;
    if (existing_ && ::faccessat(AT_FDCWD, target_.c_str(), W_OK, AT_EACCESS) != 0) {
      throw_system_error("write", path_, errno);
    }
    int fd = -1;
    while ((fd = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) < 0 && errno == EEXIST) {
      temporary_ = temporary_path(target_);
    }
    if (fd < 0) throw_system_error("write", path_, errno);
    return fd;
  }

  void set_permissions() {
    mode_t mode = existing_ ? existing_->st_mode & 0777 : 0666 & ~current_umask();
    if (is_private()) {
      mode &= 0600;
    } else if (existing_) {
      // Only root can keep another owner, and not every group can be kept; then they are the writer's.
      (void)!::fchown(file_.get(), -1, existing_->st_gid);
      (void)!::fchown(file_.get(), existing_->st_uid, -1);
    }
    if (::fchmod(file_.get(), mode) != 0) throw_system_error("write", path_, errno);
  }

  std::filesystem::path path_, target_, temporary_;
  std::optional<struct stat> existing_;
  Descriptor file_;
  Buffer buffer_;
  bool committed_ = false;
};

std::string_view remedy_of(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG:
      return "check that the path is right";
    case EACCES:
    case EPERM:
      return "check the permissions of the file and of its folder";
    case EROFS:
      return "choose a folder that can be written";
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return "free some space, or choose a folder on another disk";
    case EMFILE:
    case ENFILE:
      return "train fewer models at once with --fleet, or allow more open files (ulimit -n)";
    case ENOMEM:
      return "free some memory, or allow more of it (ulimit -v)";
    default:
      return "check the path and the disk";
  }
}

std::filesystem::path follow_links(const std::filesystem::path& path) {
  constexpr int kMostLinks = 40;  // as in Linux
  std::filesystem::path at = path;
  for (int links = 0; links <= kMostLinks; ++links) {
    struct stat status {};
    if (::lstat(at.c_str(), &status) != 0 || !S_ISLNK(status.st_mode) || lists_open_files(folder_of(at))) return at;
    if (status.st_uid != ::geteuid() && status.st_uid != 0) {
      throw InputError(
          fmt::format("cannot write {}: it is a symbolic link that another user made; remove it, or give "
                      "the path that it leads to",
                      shown_path(path).string()));
    }
    std::error_code error;
    const auto target = std::filesystem::read_symlink(at, error);
    if (error) throw_system_error("write", path, error.value());
    at = folder_of(at) / target;  // which is `target` alone if that begins with a slash
  }
  throw_system_error("write", path, ELOOP);
}

void throw_system_error(std::string_view action, const std::filesystem::path& path, int error) {
  throw InputError(fmt::format("cannot {} {}: {}; {}", action, shown_path(path).string(),
                               std::generic_category().message(error), remedy_of(error)));
}

bool is_there(const std::filesystem::path& path) {
  std::error_code error;
  const bool exists = std::filesystem::exists(path, error);
  if (error) throw_system_error("use", path, error.value());
  return exists;
}

bool is_taken(const std::filesystem::path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

bool same_file(const std::filesystem::path& a, const std::filesystem::path& b) {
  struct stat first {};
  struct stat second {};
  const bool has_a = ::stat(a.c_str(), &first) == 0, has_b = ::stat(b.c_str(), &second) == 0;
  if (has_a && has_b) return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
  return !has_a && !has_b && real_path(a) == real_path(b);
}

bool is_within(const std::filesystem::path& path, const std::filesystem::path& whole) {
  struct stat status {};
  const bool keeps_nothing = ::stat(path.c_str(), &status) == 0 && S_ISCHR(status.st_mode);
  if (whole.empty() || keeps_nothing) return false;
  if (same_file(path, whole)) return true;
  for (auto folder = real_path(path); folder.has_relative_path(); folder = folder.parent_path()) {
    if (same_file(folder, whole)) return true;
  }
  return false;
}

std::string other_than_file(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return ::lstat(path.c_str(), &status) == 0 ? "a link that leads nowhere" : "nothing";
  }
  return S_ISREG(status.st_mode) ? "" : kind_of(status);
}

std::string read_file(const std::filesystem::path& path) {
  const FileReader file(path);
  check_memory(static_cast<int64_t>(file.size()), 1, shown_path(path).string());
  std::string content(file.size(), '\0');
  file.read(0, content.size(), content.data());
  return content;
}

std::string read_small_file(const std::filesystem::path& path, size_t most, std::string_view remedy) {
  if (const size_t size = FileReader(path).size(); size > most) {
    throw InputError(fmt::format("{} is damaged: {} MiB are too many for such a file; {}", shown_path(path).string(),
                                 size >> 20, remedy));
  }
  return read_file(path);
}

// O_NONBLOCK: to open a pipe would wait for somebody who writes to it.
FileReader::FileReader(const std::filesystem::path& path)
    : path_(path), descriptor_(shared_descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK))) {
  struct stat status {};
  if (*descriptor_ < 0 || ::fstat(*descriptor_, &status) != 0) throw_system_error("read", path, errno);
  if (S_ISDIR(status.st_mode)) throw_system_error("read", path, EISDIR);
  if (!S_ISREG(status.st_mode)) {
    throw InputError(fmt::format(
        "cannot read {}: it is {}, and it is read in parts, not from front to back; write it to a file first, and give "
        "that",
        shown_path(path).string(), kind_of(status)));
  }
  size_ = status.st_size;
}

void FileReader::read(size_t begin, size_t bytes, void* to) const { read_all(*descriptor_, begin, bytes, to, path_); }

std::shared_ptr<const void> FileReader::map() const {
  void* begin = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, *descriptor_, 0);
  if (begin == MAP_FAILED) throw_system_error("map", path_, errno);
  note_mapping(begin, size_, shown_path(path_).string());
  return {begin, [size = size_](const void* mapped) {
            forget_mapping(mapped);
            ::munmap(const_cast<void*>(mapped), size);
          }};
}

ScratchFile::ScratchFile(const std::filesystem::path& path)
    : path_(path), descriptor_(shared_descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600))) {
  if (*descriptor_ < 0 || ::unlink(path.c_str()) != 0) throw_system_error("write", path, errno);
}

void ScratchFile::append(std::string_view bytes) { write_all(*descriptor_, bytes, path_); }

void ScratchFile::read(size_t begin, size_t bytes, void* to) const { read_all(*descriptor_, begin, bytes, to, path_); }

void write_atomically(const std::filesystem::path& path, std::string_view content) {
  write_atomically(path, [content](const Sink& sink) { sink(content); });
}

void write_atomically(const std::filesystem::path& path, const std::function<void(const Sink&)>& write) {
  const bool as_it_stands = is_in_open_folder(path);
  const std::filesystem::path target = as_it_stands ? path : follow_links(path);
  if (Descriptor stream = as_it_stands ? Descriptor(-1) : open_stream(path, target); stream.get() >= 0) {
    Buffer buffer(stream.get(), path, write_to_stream);
    write([&buffer](std::string_view piece) { buffer.append(piece); });
    buffer.flush();
    if (const int error = stream.close()) throw_write_error(path, error);
    return;
  }
  TemporaryFile file(path, target);
  write([&file](std::string_view piece) { file.append(piece); });
  file.complete();
  file.commit();
}

StagedFile::StagedFile(const std::filesystem::path& path, std::string_view content)
    : file_(std::make_unique<TemporaryFile>(path, path)) {
  file_->append(content);
  file_->complete();
}

StagedFile::StagedFile(StagedFile&&) noexcept = default;
StagedFile::~StagedFile() = default;
void StagedFile::commit() { file_->commit(); }

void remove_temporary_files(const std::filesystem::path& folder) {
  std::error_code ignored;
  for (std::filesystem::directory_iterator entry(folder, ignored), end; entry != end; entry.increment(ignored)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with(kTemporaryPrefix) && name.ends_with(kTemporarySuffix)) {
      std::filesystem::remove(entry->path(), ignored);
    }
  }
}

}  // namespace notnot
