#pragma once
// Runs another program to its end.
#include <string>
#include <vector>

namespace notnot {

struct ProgramEnd {
  /// The exit status; 128 + the signal's number if a signal ended it; -1 if it could not be started.
  int status = -1;
  int error = 0;            ///< the error number (errno) of a program that could not be started
  std::string output = {};  ///< what it printed, errors included
};

/// Runs `arguments[0]`, which is searched on PATH. SIGPIPE ends it, though this program may outlive its readers. It
/// ends when this program ends, however that happens. Ends it and throws Interrupted when the user asks to stop. It
/// inherits the files of MemoryFile and OpenFolder (engine/io), whose paths are good for it, too.
ProgramEnd run_program(std::vector<std::string> arguments);

}  // namespace notnot
