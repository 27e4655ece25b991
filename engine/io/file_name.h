#pragma once
// Names that people give, as parts of file names.
#include <string>
#include <string_view>

namespace notnot {

/// The letters and digits of `text`, of any script; all between them becomes a hyphen. At most about 100 bytes, and
/// empty if `text` has no letter and no digit. Invalid bytes count as neither.
std::string plain_file_name(std::string_view text);

/// Whether `text`, which is UTF-8, can name a file or folder and be shown in one line: 1 to 255 bytes without slashes
/// and control characters, and not "." or "..".
bool can_name_file(std::string_view text);

/// Two names have the same key if a file system may take them for one: upper and lower case, and the two ways in which
/// Unicode writes an accented letter, are the same.
std::string file_name_key(const std::string& name);

}  // namespace notnot
