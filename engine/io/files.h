#pragma once
// Whole files in and out. Everything the project writes goes through write_atomically, so that a reader, a crash or a
// kill -9 sees the old file or the new one, never a part.
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace notnot {

/// The file's bytes. Throws InputError naming the path and the system's reason.
std::string read_file(const std::filesystem::path& path);

/// A file that is read in parts. It stays the file that was opened, even when another one takes over its path.
class FileReader {
 public:
  /// Throws as read_file does.
  explicit FileReader(const std::filesystem::path& path);
  size_t size() const { return size_; }
  /// The bytes [begin, begin + bytes), which must lie in the file. Throws InputError naming the path.
  void read(size_t begin, size_t bytes, void* to) const;
  /// Maps the whole file, which must not be empty, into memory; a page is read when it is touched. The mapping lives as
  /// long as the last copy of the pointer, which may outlive the reader.
  std::shared_ptr<const void> map() const;

 private:
  std::filesystem::path path_;
  std::shared_ptr<const int> descriptor_;
  size_t size_ = 0;
};

/// Space on the disk for data that is too large for the memory: written from front to back, read in parts. The file
/// loses its name at once, so that nothing is left of it however the program ends.
class ScratchFile {
 public:
  /// Throws InputError when there is a file at `path`, or none can be made there.
  explicit ScratchFile(const std::filesystem::path& path);
  /// Throws InputError naming the path: a full disk, say.
  void append(std::string_view bytes);
  /// The bytes [begin, begin + bytes), which must have been appended.
  void read(size_t begin, size_t bytes, void* to) const;

 private:
  std::filesystem::path path_;
  std::shared_ptr<const int> descriptor_;
};

/// Writes `path` through a temporary file in the same folder, fsync and rename. On any failure (full disk, no
/// permission) the temporary file is removed, the old content stays, and an InputError names the path and the system's
/// reason. Anything but a regular file at `path` (a folder, a device) is refused; a symbolic link is replaced, not
/// followed.
void write_atomically(const std::filesystem::path& path, std::string_view content);

/// Writes content that is too large for the memory: calls `write` once, which hands the pieces to its argument.
using Sink = std::function<void(std::string_view)>;
void write_atomically(const std::filesystem::path& path, const std::function<void(const Sink&)>& write);

/// Removes the temporary files that killed writers left in `folder`. Nobody may be writing there: hold its lock
/// (lock.h).
void remove_temporary_files(const std::filesystem::path& folder);

}  // namespace notnot
