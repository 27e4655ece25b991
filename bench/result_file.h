#pragma once
// The JSON file that every program of bench/ writes where it is asked to.
#include <nlohmann/json.hpp>

#include "engine/files.h"
#include "engine/open_device.h"
#include "engine/version.h"

namespace notnot::bench {

/// `results` with the program's version, its commit and the device that it ran on. An empty `path` writes nothing;
/// throws where the file cannot be written.
inline void write_results(const std::string& path, const OpenDevice& device, nlohmann::json results) {
  if (path.empty()) return;
  results.update({{"version", version()}, {"commit", commit()}, {"device", device.description()}});
  write_atomically(path, results.dump(1) + "\n");
}

}  // namespace notnot::bench
