#pragma once
// A file for a program that we start: it lies in memory and has no name, so that nobody else can open it, and nothing
// is left of it however the programs end.
#include <string>
#include <string_view>

#include "engine/io/descriptor.h"

namespace notnot {

class MemoryFile {
 public:
  /// Throws InputError with the system's reason if there is no memory, or there are too many open files.
  explicit MemoryFile(std::string_view content = {});
  /// Leads to the file in this process and in the programs that it starts.
  std::string path() const;
  /// What was written to it, by whomever.
  std::string content() const;
  int descriptor() const { return file_.get(); }

 private:
  Descriptor file_;
};

}  // namespace notnot
