#pragma once
// Whole files in and out. Everything the project writes goes through write_atomically, so that a reader, a crash or a
// kill -9 sees the old file or the new one, never a part.
//
// Links: a file that is only on the way to another one (a temporary file, a scratch file) is made anew under a name
// that nothing has, so that a link which somebody else put there is never followed. The path that the user names may
// be a link: write_atomically says which ones it follows.
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace notnot {

/// What the user can do about an error number of the system (errno).
std::string_view remedy_of(int error);
/// Throws InputError: "cannot ACTION PATH: the system's reason; the remedy".
[[noreturn]] void throw_system_error(std::string_view action, const std::filesystem::path& path, int error);

/// The bytes of a regular file. Throws InputError naming the path and the system's reason, or what else is there.
std::string read_file(const std::filesystem::path& path);
/// The same for a file that is never larger than `most` bytes. Throws InputError, which ends with `remedy`, before a
/// larger one is read.
std::string read_small_file(const std::filesystem::path& path, size_t most, std::string_view remedy);

/// Whether something is at the path. Links are followed. Throws InputError naming the path and the system's reason
/// where that cannot be told: a loop of links, a name that is too long, a folder without permission.
bool is_there(const std::filesystem::path& path);

/// Whether the path is the name of something, be it a link that leads nowhere. False where it cannot be told.
bool is_taken(const std::filesystem::path& path);

/// Whether two paths lead to one file, folder or device, whatever their spelling: by device and inode, so that
/// symbolic and hard links are the same as what they lead to. If nothing is at either path, whether they are the same
/// path once links and dots are resolved.
bool same_file(const std::filesystem::path& a, const std::filesystem::path& b);

/// Whether `path` is the file or folder `whole`, or lies in it, however both are spelt. False where `whole` is empty,
/// and for a device such as a terminal, which is input and output and keeps nothing.
bool is_within(const std::filesystem::path& path, const std::filesystem::path& whole);

/// What is at `path` instead of a regular file: "nothing", "a folder", "a pipe", "a socket", "a device" or "a link
/// that leads nowhere"; empty where there is one. Links are followed.
std::string other_than_file(const std::filesystem::path& path);

/// A regular file that is read in parts. It stays the file that was opened, even when another one takes over its path.
class FileReader {
 public:
  /// Throws InputError naming the path and the system's reason, or what else is there: to open a pipe does not wait.
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

/// The path under which every process has its own standard output.
inline constexpr const char* kStandardOutput = "/proc/self/fd/1";

/// Writes `path` through a temporary file in the same folder, fsync and rename. On any failure (full disk, no
/// permission) the temporary file is removed, the old content stays, and an InputError names the path and the system's
/// reason.
///
/// * Until it is whole, only this user may read the temporary file. Then a new file has the permissions that the umask
///   says.
/// * A file that is there already keeps its permissions, and its owner and group as far as the system allows; access
///   control lists are not kept. After keep_private (file_modes.h) it becomes this user's alone. If the user may not
///   write to it, it is not replaced. Its other hard links keep the old content.
/// * A symbolic link is followed, and stays: the file that it leads to is replaced, or made if missing. Only links
///   of this user and of root are followed, so that nobody else can choose the file.
/// * A device, a pipe and an open file of a process (/dev/stdout, /dev/fd/N, /proc/PID/fd/N, links to them) are written
///   through, never replaced. What was written before a failure stays written. Throws Error if it was standard output,
///   and Interrupted where nobody reads and the user asks to stop.
/// * A folder and a disk are refused.
/// * In an OpenFolder (open_folder.h) no link is followed and nothing is written through: the folder may be a
///   stranger's, or others may write there. The new file takes the place of whatever has its name, except of a folder.
void write_atomically(const std::filesystem::path& path, std::string_view content);

/// Writes content that is too large for the memory: calls `write` once, which hands the pieces to its argument.
using Sink = std::function<void(std::string_view)>;
void write_atomically(const std::filesystem::path& path, const std::function<void(const Sink&)>& write);

/// A file that write_atomically would write in an OpenFolder, in two steps, so that several files appear together: all
/// that can fail on a full disk is in the first step.
class StagedFile {
 public:
  /// Writes the whole content beside `path`. Throws InputError as write_atomically does.
  StagedFile(const std::filesystem::path& path, std::string_view content);
  StagedFile(StagedFile&&) noexcept;
  ~StagedFile();
  /// Gives the file its name. Without this nothing is left of it.
  void commit();

 private:
  std::unique_ptr<class TemporaryFile> file_;
};

/// The path at the end of the symbolic links that begin at `path`. There may be nothing at that path. Throws InputError
/// where another user than this one and root made one of the links.
std::filesystem::path follow_links(const std::filesystem::path& path);

/// Removes the temporary files that killed writers left in `folder`. Nobody may be writing there: hold its lock
/// (lock.h).
void remove_temporary_files(const std::filesystem::path& folder);

}  // namespace notnot
