#include "engine/io/files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <system_error>

#include "engine/io/input_error.h"

namespace notnot {
namespace {

// Short and independent of the target's name, so that a target of the longest allowed name can still be written.
constexpr std::string_view kTemporaryPrefix = ".notnot-";
constexpr std::string_view kTemporarySuffix = ".tmp";
constexpr size_t kBufferBytes = size_t{1} << 20;

std::string_view remedy(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
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

[[noreturn]] void throw_system_error(std::string_view action, const std::filesystem::path& path, int error) {
  throw InputError(fmt::format("cannot {} {}: {}; {}", action, path.string(), std::generic_category().message(error),
                               remedy(error)));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return fd_; }
  /// 0 or the error: a network file system may report a failed write only here.
  int close() {
    const int result = ::close(fd_);
    fd_ = -1;
    return result == 0 ? 0 : errno;
  }

 private:
  int fd_;
};

/// The descriptor is closed with the last copy of the pointer.
std::shared_ptr<const int> shared_descriptor(int descriptor) {
  return {new int(descriptor), [](const int* fd) {
            if (*fd >= 0) ::close(*fd);
            delete fd;
          }};
}

void write_all(int descriptor, std::string_view bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_system_error("write", path, errno);
    bytes.remove_prefix(written);
  }
}

void read_all(int descriptor, size_t begin, size_t bytes, void* to, const std::filesystem::path& path) {
  auto* at = static_cast<char*>(to);
  while (bytes > 0) {
    const ssize_t got = ::pread(descriptor, at, bytes, begin);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_system_error("read", path, errno);
    if (got == 0) throw InputError(fmt::format("cannot read {}: it ends at byte {}", path.string(), begin));
    at += got;
    begin += got;
    bytes -= got;
  }
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

std::filesystem::path temporary_path(const std::filesystem::path& target) {
  static std::atomic<uint64_t> counter{0};
  return folder_of(target) / fmt::format("{}{}-{}{}", kTemporaryPrefix, getpid(), counter++, kTemporarySuffix);
}

/// The file that becomes `target` on commit, and disappears without it.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::filesystem::path& target)
      : target_(target), path_(temporary_path(target)), file_(open()) {}
  ~TemporaryFile() {
    if (!committed_) ::unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void append(std::string_view piece) {
    if (buffer_.size() + piece.size() > kBufferBytes) flush();
    if (piece.size() > kBufferBytes) {
      write_all(file_.get(), piece, target_);
    } else {
      buffer_.append(piece);
    }
  }

  void commit() {
    flush();
    if (::fsync(file_.get()) != 0) throw_system_error("write", target_, errno);
    if (const int error = file_.close()) throw_system_error("write", target_, error);
    if (::rename(path_.c_str(), target_.c_str()) != 0) throw_system_error("write", target_, errno);
    committed_ = true;
    // Makes the rename itself survive a power cut. Not every file system can sync a folder, and the new content is
    // already in place, so a failure here is no failure of the write.
    const Descriptor folder(::open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.get() >= 0) (void)::fsync(folder.get());
  }

 private:
  // Not mkstemp: only the owner could read the final file then, whatever the umask says.
  int open() {
    int fd = -1;
    while ((fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)) < 0 && errno == EEXIST) {
      path_ = temporary_path(target_);
    }
    if (fd < 0) throw_system_error("write", target_, errno);
    return fd;
  }

  void flush() {
    write_all(file_.get(), buffer_, target_);
    buffer_.clear();
  }

  std::filesystem::path target_;
  std::filesystem::path path_;
  Descriptor file_;
  std::string buffer_;
  bool committed_ = false;
};

}  // namespace

std::string read_file(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) throw_system_error("read", path, errno);
  // The size is a hint only (pipes and /proc report 0); one byte more lets the read that finds the end fit.
  std::string content(status.st_size + 1, '\0');
  size_t filled = 0;
  for (;;) {
    if (filled == content.size()) content.resize(2 * filled + 4096);
    const ssize_t got = ::read(file.get(), content.data() + filled, content.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_system_error("read", path, errno);
    if (got == 0) break;
    filled += got;
  }
  content.resize(filled);
  return content;
}

FileReader::FileReader(const std::filesystem::path& path)
    : path_(path), descriptor_(shared_descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC))) {
  struct stat status {};
  if (*descriptor_ < 0 || ::fstat(*descriptor_, &status) != 0) throw_system_error("read", path, errno);
  size_ = status.st_size;
}

void FileReader::read(size_t begin, size_t bytes, void* to) const { read_all(*descriptor_, begin, bytes, to, path_); }

std::shared_ptr<const void> FileReader::map() const {
  void* begin = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, *descriptor_, 0);
  if (begin == MAP_FAILED) throw_system_error("map", path_, errno);
  return {begin, [size = size_](const void* mapped) { ::munmap(const_cast<void*>(mapped), size); }};
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
  std::error_code ignored;
  const auto status = std::filesystem::status(path, ignored);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    throw InputError(fmt::format("cannot write {}: it is not a regular file; choose another path", path.string()));
  }
  TemporaryFile file(path);
  write([&file](std::string_view piece) { file.append(piece); });
  file.commit();
}

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
