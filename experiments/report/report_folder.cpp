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
  std::error_code ignored;
  if (std::filesystem::exists(std::filesystem::symlink_status(out / kPage, ignored)) && !is_page_of_report(out)) {
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
  known_ = files_of_report(out_).value_or(std::set<std::string>());
}

void ReportFolder::make() const {
  const OpenFolder out = open_folder(out_);
  write_list(out.path());
  for (const char* folder : kSubfolders) open_folder(out_ / folder);
}

void ReportFolder::add(const std::string& name, std::string content) {
  const Path file = out_ / name;
  std::error_code ignored;
  if (!force_ && !known_.contains(name) && std::filesystem::exists(std::filesystem::symlink_status(file, ignored))) {
    throw InputError(
        fmt::format("{} is a file of no earlier report; move it away, choose another folder with --out, "
                    "or add --force to replace it",
                    file.string()));
  }
  contents_[name] = std::move(content);
}

Path ReportFolder::write() {
  // The list comes first: whatever a killed report leaves here, the next one knows as its own.
  for (const auto& [name, content] : contents_) known_.insert(name);
  make();
  const OpenFolder out = open_folder(out_), tables = open_folder(out_ / kTables),
                   figures = open_folder(out_ / kFigures);
  const FolderLock lock = lock_folder(out, out_);
  for (const OpenFolder* folder : {&out, &tables, &figures}) remove_temporary_files(folder->path());
  for (const auto& [name, content] : contents_) {
    const Path file(name);
    if (file.parent_path() == kTables) write_atomically(tables.path() / file.filename(), content);
    if (file.parent_path() == kFigures) write_atomically(figures.path() / file.filename(), content);
  }
  write_atomically(out.path() / kPage, contents_.at(kPage));
  remove_old_files();
  known_.clear();
  for (const auto& [name, content] : contents_) known_.insert(name);
  write_list(out.path());
  return out_ / kPage;
}

void ReportFolder::remove_old_files() const {
  for (const std::string& name : known_) {
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

void ReportFolder::write_list(const Path& out) const {
  std::string list(kListTitle);
  for (const std::string& name : known_) list += "\n" + name;
  write_atomically(out / kList, list + "\n");
}

}  // namespace notnot
