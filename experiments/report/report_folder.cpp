#include "experiments/report/report_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "engine/io/file_modes.h"
#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "engine/io/lock.h"
#include "engine/io/open_folder.h"
#include "engine/io/text.h"
#include "engine/runs/run_folder.h"

namespace notnot {
namespace {

using Path = std::filesystem::path;

constexpr const char* kPage = "index.html";
constexpr const char* kList = ".notnot-report";
constexpr std::string_view kListTitle = "The files of a report by notnot, which the next report replaces or removes:";
constexpr const char *kTables = "tables", *kFigures = "figures";
constexpr const char* kSubfolders[] = {kTables, kFigures};

/// The content; nothing if there is no such file.
std::optional<std::string> content_of(const Path& path) {
  if (!other_than_file(path).empty()) return std::nullopt;
  return read_file(path);
}

bool is_page_of_report(const Path& out) {
  const auto page = content_of(out / kPage);
  return page && page->find(kPageMark) != std::string::npos;
}

/// Whether a report may have a file of this name: the list and the page come from the disk, and may lie.
bool is_name(std::string_view name) {
  if (name == kPage) return true;
  const size_t slash = std::min(name.find('/'), name.size());
  const std::string_view folder = name.substr(0, slash), file = name.substr(std::min(slash + 1, name.size()));
  const bool known = std::find(std::begin(kSubfolders), std::end(kSubfolders), folder) != std::end(kSubfolders);
  return known && !file.empty() && file != "." && file != ".." && file.find('/') == std::string_view::npos;
}

std::set<std::string> names_in_list(const std::string& list) {
  std::set<std::string> names;
  for (size_t begin = 0, end = 0; begin < list.size(); begin = end + 1) {
    end = std::min(list.find('\n', begin), list.size());
    const std::string line = list.substr(begin, end - begin);
    if (is_name(line)) names.insert(line);
  }
  return names;
}

/// The page itself, and those of its links that lead to tables and figures.
std::set<std::string> names_in_page(const std::string& page) {
  constexpr std::string_view kLink = "href=\"";
  std::set<std::string> names = {kPage};
  for (size_t at = page.find(kLink); at != std::string::npos; at = page.find(kLink, at)) {
    at += kLink.size();
    const std::string name = page.substr(at, page.find('"', at) - at);
    if (is_name(name)) names.insert(name);
  }
  return names;
}

/// The files of the earlier report in `out`; nothing if there was no report.
std::optional<std::set<std::string>> files_of_report(const Path& out) {
  const auto list = content_of(out / kList);
  if (list && list->starts_with(kListTitle)) return names_in_list(*list);
  if (is_page_of_report(out)) return names_in_page(read_file(out / kPage));
  return std::nullopt;
}

/// The name of a file or folder in `out`; empty if there is none but what a killed report left.
std::string any_entry(const Path& out) {
  std::error_code error;
  for (std::filesystem::directory_iterator at(out, error), end; !error && at != end; at.increment(error)) {
    std::string name = at->path().filename().string();
    if (!name.starts_with(".notnot-") && name != FolderLock::kFile) return name;
  }
  return "";
}

/// Throws InputError if the report would be written between the runs of `given` or into one of them.
void check_apart(const Path& out, const Path& given) {
  for (const Path& written : {out, out / kSubfolders[0], out / kSubfolders[1]}) {
    if (!same_file(written, given) || RunFolder(given).state() != RunState::absent) continue;
    throw InputError(
        fmt::format("{} holds the runs, and the report would be written between them; choose another "
                    "folder with --out",
                    given.string()));
  }
  std::error_code error;
  const Path real = std::filesystem::weakly_canonical(std::filesystem::absolute(out, error), error);
  for (Path folder = real; folder.has_relative_path(); folder = folder.parent_path()) {
    const bool is_given = same_file(folder, given) || same_file(folder.parent_path(), given);
    if (!is_given || RunFolder(folder).state() == RunState::absent) continue;
    throw InputError(
        fmt::format("{} is or lies in a run folder, {}; choose another with --out", out.string(), folder.string()));
  }
}

/// Throws InputError if `out` holds what the report could destroy.
void check_own(const Path& out) {
  const std::string entry = any_entry(out);
  if (entry.empty()) return;
  if (!files_of_report(out)) {
    throw InputError(
        fmt::format("{} holds files that are of no report, such as {}; choose another folder with --out, "
                    "or add --force (only files with the names of the report's are then replaced)",
                    out.string(), in_quotes(entry)));
  }
  if (is_taken(out / kPage) && !is_page_of_report(out)) {
    throw InputError(
        fmt::format("{} is not the page of a report; move it away, choose another folder with --out, or "
                    "add --force to replace it",
                    (out / kPage).string()));
  }
}

/// Makes the folder where it is missing; this user's alone if the report must be.
OpenFolder open_folder(const Path& path) {
  try {
    OpenFolder folder(path);
    if (is_private()) make_private(path);
    return folder;
  } catch (const std::system_error& error) {
    throw InputError(fmt::format("the folder {} cannot be made: {}; choose another with --out", path.string(),
                                 error.code().message()));
  }
}

FolderLock lock_folder(const OpenFolder& folder, const Path& path) {
  try {
    if (std::optional<FolderLock> lock = FolderLock::take(folder.path())) return *std::move(lock);
  } catch (const std::system_error& error) {
    throw_system_error("write", path / FolderLock::kFile, error.code().value());
  }
  throw InputError(fmt::format(
      "another process writes a report to {}; wait for it, or choose another folder with --out", path.string()));
}

std::string list_of(const std::set<std::string>& names) {
  std::string list(kListTitle);
  for (const std::string& name : names) list += "\n" + name;
  return list + "\n";
}

/// What is made for a report that may still fail. Without `keep` it goes again, the last first; a folder in which
/// somebody else has put something stays.
class MadePaths {
 public:
  MadePaths() = default;
  MadePaths(const MadePaths&) = delete;
  MadePaths& operator=(const MadePaths&) = delete;
  ~MadePaths() {
    std::error_code ignored;
    for (; !paths_.empty(); paths_.pop_back()) std::filesystem::remove(paths_.back(), ignored);
  }
  void add(Path path) { paths_.push_back(std::move(path)); }
  void keep() { paths_.clear(); }

 private:
  std::vector<Path> paths_;
};

/// The folder of a report, while no other process writes one there.
class LockedFolder {
 public:
  /// Makes the folder and what it needs: first the list, by which others know whose folder it is. Notes what is new in
  /// `made`. Throws InputError as check_report_folder does, if another process writes there, or if something cannot be
  /// made.
  LockedFolder(const Path& out, bool force, MadePaths& made)
      : out_(make_folder(out, made)), locked_before_(is_taken(out / FolderLock::kFile)), lock_(lock_folder(out_, out)) {
    if (!locked_before_) made.add(out / FolderLock::kFile);
    check_report_folder(out, {}, force);
    const auto files = files_of_report(out);
    known_ = files.value_or(std::set<std::string>());
    if (!is_taken(out / kList)) {
      made.add(out / kList);
      write_atomically(path_of(kList), list_of(known_));
    }
    tables_.emplace(make_folder(out / kTables, made));
    figures_.emplace(make_folder(out / kFigures, made));
    for (const OpenFolder* folder : {&out_, &*tables_, &*figures_}) remove_temporary_files(folder->path());
  }

  /// The files of the earlier report.
  const std::set<std::string>& known() const { return known_; }
  /// Of a file in it, through the open folders.
  Path path_of(const Path& name) const {
    const Path folder = name.parent_path();
    const OpenFolder& in = folder == kTables ? *tables_ : folder == kFigures ? *figures_ : out_;
    return in.path() / name.filename();
  }

 private:
  static OpenFolder make_folder(const Path& path, MadePaths& made) {
    std::vector<Path> missing;
    for (Path at = path; !at.empty() && !is_taken(at); at = at.parent_path()) missing.push_back(at);
    for (; !missing.empty(); missing.pop_back()) made.add(missing.back());
    return open_folder(path);
  }

  OpenFolder out_;
  bool locked_before_;
  FolderLock lock_;
  std::set<std::string> known_;
  std::optional<OpenFolder> tables_, figures_;
};

}  // namespace

void check_report_folder(const Path& out, const std::vector<Path>& runs, bool force) {
  const std::string kind = other_than_file(out);
  if (kind != "nothing" && kind != "a folder") {
    throw InputError(fmt::format("{} is {} and not a folder; choose another with --out", out.string(),
                                 kind.empty() ? "a file" : kind));
  }
  for (const Path& given : runs) check_apart(out, given);
  if (!force) check_own(out);
}

ReportFolder::ReportFolder(Path out, bool force) : out_(std::move(out)), force_(force) {
  check_report_folder(out_, {}, force_);
}

void ReportFolder::make() const {
  MadePaths made;
  // Not checked once more: what has come since, say the folder of the runs, is the caller's.
  const LockedFolder folder(out_, /*force=*/true, made);
  made.keep();
}

void ReportFolder::add(const std::string& name, std::string content) { contents_[name] = std::move(content); }

Path ReportFolder::write() {
  MadePaths made;
  const LockedFolder folder(out_, force_, made);
  if (!force_) check_not_foreign(folder.known());
  const std::set<std::string>& old = folder.known();
  std::set<std::string> names;
  for (const auto& [name, content] : contents_) names.insert(name);
  std::set<std::string> all = old;
  all.insert(names.begin(), names.end());
  // All that a full disk can stop comes first. The list of all files has its name before them, so that the next report
  // knows what a killed one leaves here; the page comes last.
  StagedFile first_list(folder.path_of(kList), list_of(all)), last_list(folder.path_of(kList), list_of(names));
  std::vector<StagedFile> files;
  for (const auto& [name, content] : contents_) {
    if (name != kPage) files.emplace_back(folder.path_of(name), content);
  }
  files.emplace_back(folder.path_of(kPage), contents_.at(kPage));
  first_list.commit();
  made.keep();
  for (StagedFile& file : files) file.commit();
  remove_old_files(old);
  last_list.commit();
  return out_ / kPage;
}

void ReportFolder::check_not_foreign(const std::set<std::string>& known) const {
  for (const auto& [name, content] : contents_) {
    const Path file = out_ / name;
    if (known.contains(name) || !is_taken(file)) continue;
    throw InputError(
        fmt::format("{} is a file of no earlier report; move it away, choose another folder with --out, "
                    "or add --force to replace it",
                    file.string()));
  }
}

void ReportFolder::remove_old_files(const std::set<std::string>& old) const {
  for (const std::string& name : old) {
    const Path file = out_ / name;
    std::error_code error;
    const bool ours = std::filesystem::is_regular_file(std::filesystem::symlink_status(file, error)) &&
                      !std::filesystem::is_symlink(file.parent_path(), error);
    if (!ours || contents_.contains(name)) continue;
    std::filesystem::remove(file, error);
    if (error)
      throw InputError(fmt::format("cannot remove {} of an earlier report: {}", file.string(), error.message()));
  }
}

}  // namespace notnot
