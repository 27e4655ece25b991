#pragma once
// The folder of a report: which of its files are the report's own, and which are somebody else's. A report stays in
// memory until it is whole, so that one that fails or is stopped leaves the older one as it was.
//
// The file `.notnot-report` in it lists the report's own files. If it is missing, as in a folder which an old version
// wrote, or in a copy, they are the page index.html and the tables and figures that this page links to.
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace notnot {

/// By this a page is known as the page of a report.
inline constexpr const char* kPageMark = "<p class=\"kicker\">notnot report</p>";

/// Throws InputError where a report on `runs`, which are run folders and folders in which such folders lie, must not be
/// written to `out`: if that is no folder; if it is one of `runs`; if it lies in a run folder; and, without `force`, if
/// it holds files but none of a report, or a page index.html that is none of a report. Writes nothing.
void check_report_folder(const std::filesystem::path& out, const std::vector<std::filesystem::path>& runs, bool force);

class ReportFolder {
 public:
  /// Writes nothing. Throws InputError as check_report_folder does.
  ReportFolder(std::filesystem::path out, bool force);

  /// Makes `out` with the folders tables and figures, and the list: whatever comes to lie there from now on, it is the
  /// folder of a report. Throws InputError if something cannot be made, and when another process writes a report here.
  void make() const;
  /// Keeps the content of the file `name`, for instance `tables/sst-table1.csv`, until `write`.
  void add(const std::string& name, std::string content);
  /// Makes the folder, and while it holds the folder's lock: removes what killed reports left, and replaces the earlier
  /// report by what was added, the page last. Then removes the files of earlier reports that were not added: nothing
  /// else, and nothing in a folder that is a symbolic link. Returns the path of the page.
  ///
  /// Throws InputError as check_report_folder does, when another process writes a report here, without `force` if
  /// somebody else's file has the name of one that was added, and when a file cannot be written. Then the earlier
  /// report is as it was, and nothing new is left.
  std::filesystem::path write();

 private:
  void check_not_foreign(const std::set<std::string>& known) const;
  void remove_old_files(const std::set<std::string>& old) const;

  std::filesystem::path out_;
  bool force_;
  std::map<std::string, std::string> contents_;  ///< by name
};

}  // namespace notnot
