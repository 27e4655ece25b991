#pragma once
// Another program, run to its end.
#include <filesystem>
#include <string>
#include <vector>

namespace notnot {

/// Runs `arguments[0]`, found on PATH, with what it prints in the file `log`. Its exit status (128 + signal when one
/// ended it), or -1 with errno set when it cannot be started.
int run_program(std::vector<std::string> arguments, const std::filesystem::path& log);

}  // namespace notnot
