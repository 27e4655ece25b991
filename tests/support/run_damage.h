#pragma once
// What happens to the files of a run after it has finished.
#include <nlohmann/json.hpp>
#include <string>

#include "engine/io/files.h"
#include "engine/runs/run_folder.h"

namespace notnot {

/// Takes the checksums out of the run, as earlier versions wrote it. A reader then sees what is in the files.
inline void remove_checksums(const RunFolder& run) {
  for (const auto& file : {run.config_path(), run.result_path()}) {
    if (!is_there(file)) continue;
    nlohmann::json content = nlohmann::json::parse(read_file(file));
    for (const char* key : {"files", "checksum"}) content.erase(key);
    write_atomically(file, content.dump());
  }
}

/// Changes the lowest bit of the byte in the middle of the file.
inline void flip_a_bit(const std::filesystem::path& file) {
  std::string content = read_file(file);
  content[content.size() / 2] = static_cast<char>(content[content.size() / 2] ^ 1);
  write_atomically(file, content);
}

}  // namespace notnot
