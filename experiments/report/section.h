#pragma once
// One section of the report's page on one data set.
#include <string>

namespace notnot {

struct Section {
  std::string id;            ///< of its heading, unique in the report
  std::string title;         ///< plain text
  std::string html;          ///< without the heading; empty if the runs that the section needs are missing
  std::string command = {};  ///< `notnot COMMAND` makes these runs; empty if no command does
};

}  // namespace notnot
