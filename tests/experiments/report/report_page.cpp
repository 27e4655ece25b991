#include "tests/experiments/report/report_page.h"

#include <doctest/doctest.h>

#include <regex>
#include <set>

#include "engine/io/files.h"
#include "experiments/report/page.h"

namespace notnot {

std::string page_of(const std::vector<std::filesystem::path>& folders, const TemporaryFolder& out) {
  ReportFolder folder(out / "report", false);
  return read_file(write_report(load_studies(folders), folder));
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

std::vector<std::string> all_matches(const std::string& text, const char* pattern) {
  const std::regex expression(pattern);
  std::vector<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), expression), end; at != end; ++at) found.push_back((*at)[1]);
  return found;
}

void check_well_formed(const std::string& html) {
  const std::regex tag("<(/?)([a-zA-Z0-9]+)[^>]*?(/?)>");
  std::vector<std::string> open;
  for (std::sregex_iterator at(html.begin(), html.end(), tag), end; at != end; ++at) {
    const std::string name = (*at)[2];
    if (name == "meta" || name == "br" || (*at)[3].length() > 0) continue;
    if ((*at)[1].length() == 0) {
      open.push_back(name);
    } else {
      REQUIRE(!open.empty());
      REQUIRE(open.back() == name);
      open.pop_back();
    }
  }
  CHECK(open.empty());
}

void check_links(const std::string& page, const std::filesystem::path& folder) {
  const std::vector<std::string> ids = all_matches(page, "\\sid=\"([^\"]*)\"");
  const std::set<std::string> distinct(ids.begin(), ids.end());
  CHECK(distinct.size() == ids.size());
  for (const std::string& target : all_matches(page, "href=\"([^\"]*)\"")) {
    CAPTURE(target);
    if (target.starts_with("#")) {
      CHECK(distinct.contains(target.substr(1)));
    } else {
      CHECK(std::filesystem::exists(folder / target));
    }
  }
  int level = 0;
  for (const std::string& heading : all_matches(page, "<h([1-6])[ >]")) {
    CHECK(std::stoi(heading) <= level + 1);
    level = std::stoi(heading);
  }
}

}  // namespace notnot
