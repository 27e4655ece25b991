#pragma once
// Which program this is: for --version, config.json and reports.
#include <string_view>

namespace notnot {

/// The version of the project: "0.1.0".
std::string_view version();
/// The output of `git describe` when the program was built; empty outside a clone.
std::string_view commit();

}  // namespace notnot
