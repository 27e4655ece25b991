#pragma once
// Writes a report for a test case, and checks its HTML.
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace notnot {

/// The page of a report on the runs in `folders`. The report is written to `out`/report.
std::string page_of(const std::vector<std::filesystem::path>& folders, const TemporaryFolder& out);

bool has(const std::string& text, const std::string& part);

/// How often `part` occurs in `text`.
size_t count(const std::string& text, const std::string& part);

/// The first group of each match of `pattern`.
std::vector<std::string> all_matches(const std::string& text, const char* pattern);

/// Checks that every element is closed where it should be.
void check_well_formed(const std::string& html);

/// Checks that anchors lead somewhere, that files are there, that ids are unique, and that headings skip no level.
void check_links(const std::string& page, const std::filesystem::path& folder);

}  // namespace notnot
