#pragma once
// Reads the files of a corpus and remembers what they were: the provenance in a prepared folder.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace notnot {

struct Source {
  std::string path;   ///< below the corpus's folder; a folder's ends with a slash
  int64_t files = 1;  ///< 1, or how many the folder has
  int64_t bytes = 0;
  /// For a file: its SHA-256. For a folder: the SHA-256 of the output of `sha256sum *` in it, the files in byte order.
  std::string sha256;
};

/// One sum for all of them: of one file its own; of several the SHA-256 of what `sha256sum` prints for them.
std::string checksum_of(const std::vector<Source>& sources);

class SourceReader {
 public:
  /// Reads below `root`. `corpus` is the corpus's name in messages, for example "aclImdb".
  SourceReader(std::filesystem::path root, std::string corpus) : root_(std::move(root)), corpus_(std::move(corpus)) {}

  /// The reader for the first of `places` below `raw` that has `file`; "." is `raw` itself. Throws InputError that
  /// names `raw`, the file and the remedy when none has.
  static SourceReader find(const std::filesystem::path& raw, const std::vector<std::string>& places,
                           const std::string& file, std::string corpus);

  /// The whole file. Throws InputError when it is not there.
  std::string read(const std::string& path);

  /// Calls `handle` with name and content of every file in the folder `path` (not below it), names in byte order.
  void read_folder(const std::string& path,
                   const std::function<void(const std::string& name, const std::string& content)>& handle);

  const std::filesystem::path& root() const { return root_; }
  const std::vector<Source>& sources() const { return sources_; }

 private:
  std::filesystem::path root_;
  std::string corpus_;
  std::vector<Source> sources_;
};

}  // namespace notnot
