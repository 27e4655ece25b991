#pragma once
// A folder for work on the way to a result: nobody else can enter it, and nothing is left of it.
#include <filesystem>
#include <optional>
#include <string>

#include "engine/io/descriptor.h"
#include "engine/io/lock.h"
#include "engine/io/open_folder.h"

namespace notnot {

class PrivateFolder {
 public:
  /// Makes the folder `path` with the permissions 0700, and what is missing above it; or takes over and empties the one
  /// that a killed process of this user left there. Nothing if another process of this user works in it. Throws
  /// std::system_error with the system's reason if it cannot be made, and InputError if something else has its name: a
  /// link, say, or another user's folder.
  static std::optional<PrivateFolder> make(const std::filesystem::path& path);
  /// Removes the folder with everything in it.
  ~PrivateFolder();
  PrivateFolder(PrivateFolder&&) = default;
  PrivateFolder& operator=(PrivateFolder&&) = delete;
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;

  /// OpenFolder::path.
  const std::filesystem::path& path() const { return folder_.path(); }
  /// Gives the folder the permissions that the umask says, and renames it to `name`, beside where it is. From then on
  /// it stays. Throws std::system_error if there is something of that name, or somebody else has moved the folder.
  void become(const std::string& name);

 private:
  PrivateFolder(Descriptor parent, std::string name, Descriptor folder)
      : parent_(std::move(parent)), name_(std::move(name)), folder_(std::move(folder)) {}

  Descriptor parent_;
  std::string name_;  ///< in `parent_`; empty once the folder is a result
  OpenFolder folder_;
  std::optional<FolderLock> lock_;
};

}  // namespace notnot
