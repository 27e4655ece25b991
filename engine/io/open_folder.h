#pragma once
// A folder that stays the one that was opened. On a shared machine another user may be able to rename a folder, or to
// put a link in its place; whoever goes through its name again would then write or remove something elsewhere.
#include <filesystem>

#include "engine/io/descriptor.h"

namespace notnot {

class OpenFolder {
 public:
  /// Makes the folder where it is missing. Of symbolic links at `path` only those of this user and of root are
  /// followed. Throws InputError on a link of another user, and std::system_error with the system's reason otherwise.
  explicit OpenFolder(const std::filesystem::path& path);
  /// Takes over an open folder.
  explicit OpenFolder(Descriptor folder);

  /// A path that leads to the folder whatever happens to its name, in this process and in the programs that it starts.
  const std::filesystem::path& path() const { return path_; }
  int descriptor() const { return folder_.get(); }

 private:
  Descriptor folder_;
  std::filesystem::path path_;
};

/// Whether `path` is that of a file or folder right in an OpenFolder.
bool is_in_open_folder(const std::filesystem::path& path);

/// For messages: `path` itself, or where it leads if it goes through an OpenFolder.
std::filesystem::path shown_path(const std::filesystem::path& path);

/// Removes everything in the folder but a file named `kept`. Follows no links. Stops at the first thing that cannot be
/// removed, and returns whether there was none.
bool remove_content(const OpenFolder& folder, const char* kept = "");

/// Makes the folder, which must be there, 0700 and the files in it 0600. Throws InputError if it belongs to another
/// user, holds a pipe or a device, or cannot be changed.
void make_private(const std::filesystem::path& folder);

}  // namespace notnot
