#pragma once
// Who may read what this process writes.
#include <sys/types.h>

#include <filesystem>

namespace notnot {

/// The permissions that new files and folders do not get.
mode_t current_umask();

/// From now on everything that this process writes, and the programs that it starts, is for this user alone: files
/// 0600, folders 0700, also where a file is replaced that others may read. And no core file of this process is written,
/// wherever the system sends such files. Call it as soon as it is known that the data is confidential, before files are
/// made. There is no way back.
void keep_private();
/// Whether keep_private was called.
bool is_private();

/// Warns the user of a folder of confidential texts that others may enter, as after a copy that lost the permissions.
void warn_if_open(const std::filesystem::path& folder);

/// No core files of this process and of the programs that it starts: they would hold the texts.
void forbid_core_files();

}  // namespace notnot
