#pragma once
// Which program this is: for --version, config.json and reports.
#include <string_view>

namespace notnot {

std::string_view version();  ///< "0.1.0"
std::string_view commit();   ///< `git describe` when the build was configured; empty outside a clone

}  // namespace notnot
