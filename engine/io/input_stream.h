#pragma once
// Files of the user's: read once from front to back, so that pipes do, and known by their content.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace notnot {

/// A regular file, a pipe, a process substitution or /dev/stdin. Gzip (RFC 1952) is unpacked, with all its members, and
/// UTF-16 with a byte order mark becomes UTF-8; other bytes stay as they are, a byte order mark of UTF-8 included. A
/// file that cannot be text, by its first bytes, is refused with the name of what it is (file_kind.h).
class InputStream {
 public:
  /// Opens it once. Throws InputError that names the path, and the system's reason or what the file is.
  explicit InputStream(std::filesystem::path path);
  ~InputStream();
  InputStream(InputStream&&) noexcept;
  InputStream& operator=(InputStream&&) noexcept;

  // Each throws InputError that names the path when the file cannot be read on, a gzip is damaged or cut, or UTF-16 is
  // not well formed.

  /// The next line, without its '\n'; false at the end. In a file without any '\n', lines end with '\r', as before
  /// Mac OS X. A line of more than 256 MiB throws InputError.
  bool read_line(std::string& line);
  /// The next bytes, at most `most`; 0 only at the end.
  size_t read(char* to, size_t most);
  std::string read_rest();
  /// The next bytes without reading them: `least`, which is at most 64 Ki, or more; fewer only at the end. Good until
  /// the next call of anything else.
  std::string_view peek(size_t least);

  const std::filesystem::path& path() const;
  /// The SHA-256 of the file's own bytes (packed ones if it is packed), as sha256sum prints it. Reads to the end first,
  /// and what was left is lost.
  std::string checksum();
  /// How many bytes of the file itself were read; after checksum(), its size.
  uint64_t file_bytes() const;

 private:
  struct Layers;
  std::unique_ptr<Layers> layers_;
};

struct InputFile {
  std::string content, checksum;
  uint64_t bytes = 0;  ///< of the file itself, packed if it is packed
};

/// The whole file. Throws as InputStream does.
InputFile read_input(const std::filesystem::path& path);

}  // namespace notnot
