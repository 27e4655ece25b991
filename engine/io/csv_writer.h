#pragma once
// The one CSV writer of the engine, RFC 4180.
#include <string>
#include <string_view>
#include <vector>

namespace notnot {

/// The field as it stands in a file: between double quotes, quotes inside doubled, if it holds a comma, a quote or a
/// line end; otherwise as it is.
std::string csv_field(std::string_view text);

/// The fields with commas between them. The line end is the caller's: "\r\n" in the RFC, "\n" on Unix.
std::string csv_line(const std::vector<std::string>& fields);

}  // namespace notnot
