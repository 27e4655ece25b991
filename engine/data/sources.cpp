#include "engine/data/sources.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "engine/io/checksum.h"
#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "engine/io/stop.h"

namespace notnot {

std::string checksum_of(const std::vector<Source>& sources) {
  if (sources.size() == 1) return sources.front().sha256;
  Sha256 sums;
  for (const Source& source : sources) sums.update(fmt::format("{}  {}\n", source.sha256, source.path));
  return sums.hex();
}

SourceReader SourceReader::find(const std::filesystem::path& raw, const std::vector<std::string>& places,
                                const std::string& file, std::string corpus) {
  std::error_code ignored;
  for (const std::string& place : places) {
    const std::filesystem::path root = place == "." ? raw : raw / place;
    if (std::filesystem::exists(root / file, ignored)) return {root, std::move(corpus)};
  }
  throw InputError(fmt::format("{} does not hold {}: there is no {}; give the folder with --raw, or run tools/get_data",
                               raw.string(), corpus, (raw / places.front() / file).lexically_normal().string()));
}

std::string SourceReader::read(const std::string& path) {
  std::string content = read_file(root_ / path);
  sources_.push_back({.path = path, .bytes = static_cast<int64_t>(content.size()), .sha256 = sha256(content)});
  return content;
}

void SourceReader::read_folder(const std::string& path,
                               const std::function<void(const std::string& name, const std::string& content)>& handle) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(root_ / path, error), end; !error && entry != end;
       entry.increment(error)) {
    // Whatever else is no file is told when it is read.
    std::error_code unknown;
    if (!entry->is_directory(unknown)) names.push_back(entry->path().filename().string());
  }
  if (error || names.empty()) {
    throw InputError(fmt::format("{} has no files ({}); download {} again", (root_ / path).string(),
                                 error ? error.message() : "it is empty", corpus_));
  }
  std::sort(names.begin(), names.end());
  Source source{.path = path + "/", .files = static_cast<int64_t>(names.size()), .bytes = 0, .sha256 = {}};
  Sha256 sums;
  for (const std::string& name : names) {
    check_stop();
    const std::string content = read_file(root_ / path / name);
    source.bytes += content.size();
    sums.update(fmt::format("{}  {}\n", sha256(content), name));
    handle(name, content);
  }
  source.sha256 = sums.hex();
  sources_.push_back(std::move(source));
}

}  // namespace notnot
