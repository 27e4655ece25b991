#pragma once
#include <string_view>

namespace notnot {

/// The text of report.css, which CMake makes part of the program.
std::string_view report_css();

}  // namespace notnot
