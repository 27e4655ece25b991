#pragma once
// Runs another program to its end.
#include <filesystem>
#include <string>
#include <vector>

namespace notnot {

/// Runs `arguments[0]`, which is searched on PATH. Its output and its errors go to the file `log`. SIGPIPE ends it,
/// though this program may outlive its readers. Returns its exit status, 128 + the signal's number if a signal ended
/// it, or -1 with errno set if it cannot be started. Ends the program and throws Interrupted when the user asks to
/// stop.
int run_program(std::vector<std::string> arguments, const std::filesystem::path& log);

}  // namespace notnot
