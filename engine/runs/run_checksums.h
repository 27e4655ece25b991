#pragma once
// The checksums of a run, by which it is noticed that a file was damaged. Runs of earlier versions have none.
//
//   config.json  `checksum`, of `choices` and `data` only: paths and the mark of confidential texts may change later
//   result.json  `checksum`, of all the rest; and `files`, an object per file of the run:
//                  most files   `bytes` and `sha256`, the SHA-256 of the whole file
//                  metrics.csv  `sha256`, of the file without its last three columns, the times, which are never the
//                               same twice
//                config.json, checkpoint.safetensors, which may go, and failure.json are not among them.
//
// The checksum of an object is the SHA-256 of the object as the file has it, indented by two, without a line's end.
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "engine/runs/run_folder.h"

namespace notnot {

/// Adds `checksum` to the content of config.json.
void sign_config(nlohmann::json& config);
/// Takes `checksum` from the content of config.json, if it has one. Throws InputError, which does not name the file, if
/// it is another one.
void check_config(nlohmann::json& config);

/// Adds `files` and `checksum` to the content of result.json. All other files must have been written.
void sign_result(const RunFolder& folder, nlohmann::json& result);
/// Takes both from the content of result.json and returns `files`: an empty object if it has none. Throws InputError,
/// which does not name the file, if the checksum is another one.
nlohmann::json check_result(nlohmann::json& result);

/// The `sha256` of metrics.csv with this content.
std::string checksum_of_metrics(std::string_view content);

}  // namespace notnot
