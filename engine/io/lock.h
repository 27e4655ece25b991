#pragma once
// A lock on a folder, for programs that must not write to it at the same time.
#include <filesystem>
#include <optional>
#include <utility>

namespace notnot {

/// Holds FOLDER/.lock, which stays when the lock goes. The lock goes with its owner, and with the process however that
/// ends.
class FolderLock {
 public:
  static constexpr const char* kFile = ".lock";

  /// Makes the folder where it is missing. Nothing if somebody else holds the lock: another process, or another owner
  /// in this one. Throws std::system_error with the system's reason if the folder or the file cannot be made, or if
  /// the file is a symbolic link. On a file system without locks it prints a warning and returns a lock that locks
  /// nothing: refusing to work there would be worse than trusting the user.
  static std::optional<FolderLock> take(const std::filesystem::path& folder);

  /// Whether somebody else holds the lock now. Makes and changes nothing.
  static bool is_held(const std::filesystem::path& folder);

  FolderLock(FolderLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FolderLock& operator=(FolderLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
};

}  // namespace notnot
