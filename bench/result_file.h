#pragma once
// The JSON file that every program of bench/ writes with --json.
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/device/open_device.h"
#include "engine/io/files.h"
#include "engine/io/version.h"

namespace notnot::bench {

/// A list of measurements, with the facts that hold for all of them, the program's version, its commit and the device.
/// The file is written anew after every measurement, so a run that ends early keeps what it has measured.
class ResultFile {
 public:
  /// `list` is the measurements' name in the file. An empty `path` writes nothing.
  ResultFile(std::string path, const OpenDevice& device, std::string list, nlohmann::json common)
      : path_(std::move(path)), list_(std::move(list)), content_(std::move(common)) {
    content_.update({{"version", version()}, {"commit", commit()}, {"device", device.description()}});
    content_[list_] = nlohmann::json::array();
  }
  /// Throws where the file cannot be written.
  void add(nlohmann::json measurement) {
    content_[list_].push_back(std::move(measurement));
    if (!path_.empty()) write_atomically(path_, content_.dump(1) + "\n");
  }
  bool empty() const { return content_[list_].empty(); }

 private:
  std::string path_, list_;
  nlohmann::json content_;
};

}  // namespace notnot::bench
