#pragma once
// The checksums of a run, by which it is noticed that a file was damaged. Runs of earlier versions have none.
//
//   config.json  `checksum`, of all the rest
//   result.json  `checksum`, of all the rest; and `files`, an object per file of the run:
//                  most files   `bytes` and `sha256`, the SHA-256 of the whole file
//                  config.json  `sha256`, of `choices` and `data`: paths and the mark of confidential texts may change
//                  metrics.csv  `sha256`, of the file without its last three columns, the times, which are never the
//                               same twice
//                checkpoint.safetensors, which may go, and failure.json are not among them.
//
// The checksum of an object is the SHA-256 of the object as the program writes it: its members sorted, indented by two,
// without the end of the last line, whole numbers without a decimal point. Other programs may write it otherwise.
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "engine/runs/run_folder.h"

namespace notnot {

/// The checksum of what makes config.json this run, its `choices` and the sizes of its `data`.
std::string checksum_of_choices(const nlohmann::json& config);

/// Adds `checksum` to the content of config.json.
void sign_config(nlohmann::json& config);
/// Takes `checksum` from the content of config.json, if it has one. Throws InputError, which does not name the file, if
/// it is another one.
void check_config(nlohmann::json& config);

/// Adds `files` and `checksum` to the content of result.json. All other files must have been written. `choices`: the
/// checksum_of_choices of the run; empty if it has no config.json.
void sign_result(const RunFolder& folder, const std::string& choices, nlohmann::json& result);
/// Takes both from the content of result.json and returns `files`: null if it has neither. Throws InputError, which does
/// not name the file, if the checksum is another one.
nlohmann::json check_result(nlohmann::json& result);

/// The `sha256` of metrics.csv with this content.
std::string checksum_of_metrics(std::string_view content);

}  // namespace notnot
