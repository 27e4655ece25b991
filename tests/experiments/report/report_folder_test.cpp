#include "experiments/report/report_folder.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>

#include "engine/io/files.h"
#include "engine/io/lock.h"
#include "experiments/report/page.h"
#include "tests/support/fake_runs.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/input_error.h"

namespace notnot {
namespace {

using Path = std::filesystem::path;

/// All files below `folder`, by their paths in it.
std::set<std::string> files_in(const Path& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_directory()) names.insert(entry.path().lexically_relative(folder).string());
  }
  return names;
}

std::map<std::string, std::string> contents_of(const Path& folder) {
  std::map<std::string, std::string> result;
  for (const std::string& name : files_in(folder)) result[name] = read_file(folder / name);
  return result;
}

/// Writes a report of a table and a page.
void write_small(ReportFolder& folder, const std::string& table, const std::string& page = "") {
  folder.add("tables/" + table, "a table");
  folder.add("index.html", kPageMark + page);
  folder.write();
}

/// Writes a report on the runs, with tables of `dataset`.
Path report(const TemporaryFolder& runs, const std::string& dataset, const Path& out, bool force = false) {
  const Path run = fake_run(runs, "of-" + dataset, {{"dataset", dataset}});
  ReportFolder folder(out, force);
  return write_report(load_studies({run}), folder);
}

TEST_CASE("a report is written whole, over an older one") {
  const TemporaryFolder runs, folder;
  const Path out = folder / "some" / "where";
  const Path page = report(runs, "sst", out);
  CHECK(page == out / "index.html");
  const std::string written = read_file(page);
  const std::set<std::string> files = files_in(out);
  CHECK(files.contains("tables/sst-table1.csv"));
  report(runs, "sst", out);
  CHECK(read_file(page) == written);
  CHECK(files_in(out) == files);
}

TEST_CASE("a report that fails or is stopped leaves the older one as it was") {
  const TemporaryFolder runs, folder;
  const Path out = folder / "report";
  report(runs, "sst", out);
  const auto before = contents_of(out);
  {
    ReportFolder stopped(out, false);
    stopped.add("tables/sst-table1.csv", "new");
    stopped.add("index.html", "new");
  }
  CHECK(contents_of(out) == before);
  // The table of unfinished runs is the last one.
  fake_run(runs, "uniform", kUniform);
  RunWriter(RunFolder(runs.path(), "begun")).start(fake_config({{"seed", 2}}));
  write_atomically(out / "tables" / "sst-unused.csv", "mine");
  ReportFolder failing(out, false);
  const std::vector<LoadedStudy> studies = load_studies({runs.path()});
  CHECK_HAS(input_error([&] { write_report(studies, failing); }), "sst-unused.csv is a file of no earlier report");
  std::filesystem::remove(out / "tables" / "sst-unused.csv");
  CHECK(contents_of(out) == before);
}

TEST_CASE("a report for which the disk is too small leaves the older one and nothing else") {
  const TemporaryFolder runs, folder;
  const Path out = folder / "report", made = folder / "new";
  const std::string large(100'000, ' ');  // of the page, which is written last
  const auto fail = [&](const Path& to) {
    ReportFolder failing(to, false);
    const FileSizeLimit limit(65536);
    CHECK_HAS(input_error([&] { write_small(failing, "new.csv", large); }),
              "index.html: File too large; free some space");
  };
  report(runs, "sst", out);
  const auto before = contents_of(out);
  fail(out);
  CHECK(contents_of(out) == before);
  fail(made / "within");
  CHECK_FALSE(std::filesystem::exists(made));
  std::filesystem::create_directories(made / "within");
  fail(made / "within");
  CHECK(std::filesystem::is_empty(made / "within"));
}

TEST_CASE("a report that cannot replace a file replaces none") {
  const TemporaryFolder folder;
  const Path out = folder / "report";
  ReportFolder first(out, false);
  write_small(first, "a.csv");
  std::filesystem::create_directories(out / "tables" / "b.csv" / "mine");
  const auto before = contents_of(out);
  for (const bool force : {false, true}) {
    ReportFolder failing(out, force);
    failing.add("tables/a.csv", "another table");
    CHECK_HAS(input_error([&] { write_small(failing, "b.csv"); }), "b.csv");
    CHECK(contents_of(out) == before);
  }
}

TEST_CASE("of two reports that are made at the same time the one that is written last is whole") {
  const TemporaryFolder folder;
  for (const bool is_new : {false, true}) {
    const Path out = folder / (is_new ? "new" : "old");
    if (!is_new) {
      ReportFolder earlier(out, false);
      write_small(earlier, "earlier.csv");
    }
    ReportFolder first(out, false), second(out, false);
    write_small(first, "first.csv");
    write_small(second, "second.csv");
    CHECK(files_in(out) == std::set<std::string>{".lock", ".notnot-report", "index.html", "tables/second.csv"});
    write_small(first, "second.csv", "of the first");  // whose file it is now
    CHECK(read_file(out / "index.html") == std::string(kPageMark) + "of the first");
  }
}

TEST_CASE("while another process writes a report, that is what is said, and nothing of it is touched") {
  const TemporaryFolder folder;
  const Path out = folder / "report";
  ReportFolder ours(out, false);
  {
    const auto lock = FolderLock::take(out);  // in a new folder, which it has just made
    // The other one writes its files, and its list is not yet there.
    write_atomically(out / "index.html", "a page");
    std::filesystem::create_directories(out / "tables");
    write_atomically(out / "tables" / "a.csv", "a table");
    const auto before = contents_of(out);
    CHECK(input_error([&] { write_small(ours, "a.csv"); }) ==
          fmt::format("another process writes a report to {}; wait for it, or choose another folder with --out",
                      out.string()));
    CHECK(contents_of(out) == before);
  }
}

TEST_CASE("the files of earlier reports go, and nothing else") {
  const TemporaryFolder runs, folder;
  const Path out = folder / "report";
  report(runs, "first", out);
  write_atomically(out / "notes.txt", "mine");
  write_atomically(out / "tables" / "first-mine.csv", "mine");
  std::filesystem::create_directories(out / "tables" / "sub");
  write_atomically(out / "tables" / "sub" / "first-table1.csv", "mine");
  report(runs, "second", out);
  const std::set<std::string> files = files_in(out);
  for (const char* name : {"notes.txt", "tables/first-mine.csv", "tables/sub/first-table1.csv", "index.html",
                           "tables/second-table1.csv", "tables/second-table1.tex", "tables/second-runs.csv"}) {
    CAPTURE(std::string(name));
    CHECK(files.contains(name));
  }
  for (const char* name : {"tables/first-table1.csv", "tables/first-table1.tex", "tables/first-runs.csv"}) {
    CAPTURE(std::string(name));
    CHECK_FALSE(files.contains(name));
  }
}

TEST_CASE("a folder without the list is known by its page, whose links are the files of the report") {
  const TemporaryFolder runs, folder;
  const Path out = folder / "report";
  report(runs, "first", out);
  std::filesystem::remove(out / ".notnot-report");
  write_atomically(out / "tables" / "mine.csv", "mine");
  report(runs, "second", out);
  const std::set<std::string> files = files_in(out);
  CHECK(files.contains("tables/mine.csv"));
  CHECK(files.contains("tables/second-table1.csv"));
  CHECK_FALSE(files.contains("tables/first-table1.csv"));
}

TEST_CASE("files of others are not touched without force, and with it only those of the same names") {
  const TemporaryFolder runs, folder;
  const Path out = folder / "web";
  std::filesystem::create_directories(out);
  write_atomically(out / "index.html", "my home page");
  const std::string message = input_error([&] { report(runs, "sst", out); });
  CHECK(message == fmt::format("{} holds files that are of no report, such as 'index.html'; choose another folder with "
                               "--out, or add --force (only files with the names of the report's are then replaced)",
                               out.string()));
  CHECK(files_in(out) == std::set<std::string>{"index.html"});
  CHECK(read_file(out / "index.html") == "my home page");

  write_atomically(out / "cv.html", "mine");
  report(runs, "sst", out, true);
  CHECK_HAS(read_file(out / "index.html"), "notnot report");
  CHECK(read_file(out / "cv.html") == "mine");
  report(runs, "sst", out);  // now it is the folder of a report

  write_atomically(out / "index.html", "my new home page");
  CHECK_HAS(input_error([&] { report(runs, "sst", out); }), "index.html is not the page of a report; move it away");
  CHECK(read_file(out / "index.html") == "my new home page");
}

TEST_CASE("a table of the user's own name is not overwritten") {
  const TemporaryFolder runs, folder;
  const Path out = folder / "report";
  report(runs, "first", out);
  write_atomically(out / "tables" / "second-table1.csv", "mine");
  CHECK_HAS(input_error([&] { report(runs, "second", out); }), "second-table1.csv is a file of no earlier report");
  CHECK(read_file(out / "tables" / "second-table1.csv") == "mine");
  report(runs, "second", out, true);
  CHECK(read_file(out / "tables" / "second-table1.csv") != "mine");
}

TEST_CASE("a list or a page that names other files removes none of them") {
  const TemporaryFolder runs, folder;
  const Path out = folder / "report";
  report(runs, "sst", out);
  write_atomically(folder / "thesis", "years of work");
  std::filesystem::create_directories(out / "tables" / "folder");
  std::filesystem::create_symlink("../../thesis", out / "tables" / "link");
  std::string names, links = "<p class=\"kicker\">notnot report</p>";
  for (const char* name : {"../thesis", "tables/../../thesis", "tables/..", "tables/", "tables/folder", "tables/link",
                           "/etc/passwd", "notes.txt", "", "tables/\\"}) {
    names += std::string("\n") + name;
    links += fmt::format("<a href=\"{}\">", name);
  }
  write_atomically(out / "notes.txt", "mine");
  const std::set<std::string> before = files_in(out);
  const std::string list = read_file(out / ".notnot-report");
  write_atomically(out / ".notnot-report", list + names + "\n");
  report(runs, "sst", out);
  CHECK(files_in(out) == before);
  std::filesystem::remove(out / ".notnot-report");
  write_atomically(out / "index.html", links);
  report(runs, "sst", out, true);
  CHECK(files_in(out) == before);
  CHECK(std::filesystem::is_directory(out / "tables" / "folder"));
  CHECK(read_file(folder / "thesis") == "years of work");
}

TEST_CASE("a folder of tables that is a link is written to, but nothing is removed in it") {
  const TemporaryFolder runs, folder;
  const Path out = folder / "report", elsewhere = folder / "elsewhere";
  report(runs, "first", out);
  std::filesystem::rename(out / "tables", elsewhere);
  std::filesystem::create_directory_symlink(elsewhere, out / "tables");
  report(runs, "second", out);
  CHECK(std::filesystem::is_symlink(out / "tables"));
  CHECK(std::filesystem::exists(elsewhere / "first-table1.csv"));
  CHECK(std::filesystem::exists(elsewhere / "second-table1.csv"));
}

TEST_CASE("a killed report leaves a folder that the next one takes") {
  const TemporaryFolder runs, folder;
  const Path out = folder / "report";
  std::filesystem::create_directories(out);
  write_atomically(out / ".notnot-1-0.tmp", "a part of the list");
  const ReportFolder killed(out, false);
  std::filesystem::create_directories(out / "runs");  // which the studies make before
  killed.make();
  // The list is written before the files that it names.
  write_atomically(out / ".notnot-report", read_file(out / ".notnot-report") + "tables/old-table1.csv\n");
  write_atomically(out / "tables" / "old-table1.csv", "x");
  report(runs, "sst", out);
  CHECK_FALSE(std::filesystem::exists(out / "tables" / "old-table1.csv"));
  CHECK_FALSE(std::filesystem::exists(out / ".notnot-1-0.tmp"));
}

TEST_CASE("what killed reports left beside tables and figures goes, unless another process writes there") {
  const TemporaryFolder runs, folder;
  const Path out = folder / "report";
  report(runs, "sst", out);
  const std::set<std::string> before = files_in(out);
  const auto leave = [&] {
    for (const char* where : {".", "tables", "figures"}) write_atomically(out / where / ".notnot-1-0.tmp", "a part");
  };
  leave();
  report(runs, "sst", out);
  CHECK(files_in(out) == before);
  leave();
  const auto lock = FolderLock::take(out);
  CHECK_HAS(input_error([&] { report(runs, "sst", out); }), "another process writes a report to");
  CHECK(std::filesystem::exists(out / "tables" / ".notnot-1-0.tmp"));
}

TEST_CASE("a folder of tables that another user linked is refused" * doctest::skip(::geteuid() != 0)) {
  const TemporaryFolder runs, folder;
  const Path out = folder / "report", home = folder / "home";
  std::filesystem::create_directories(home);
  std::filesystem::create_directories(out);
  std::filesystem::create_directory_symlink(home, out / "tables");
  REQUIRE(::lchown((out / "tables").c_str(), 65534, 65534) == 0);
  CHECK_HAS(input_error([&] { report(runs, "sst", out, true); }), "another user made");
  CHECK(std::filesystem::is_empty(home));
}

TEST_CASE("a report is not written to a file, to the runs, or into a run") {
  const TemporaryFolder runs, folder;
  const Path run = fake_run(runs, "a");
  const auto complaint = [&](const Path& out, const Path& given) {
    for (const bool force : {false, true}) {
      const std::string message = input_error([&] { check_report_folder(out, {given}, force); });
      CHECK_HAS(message, "--out");
      if (force) return message;
    }
    return std::string();
  };
  write_atomically(folder / "file", "in the way");
  CHECK_HAS(complaint(folder / "file", run), "is a file and not a folder");
  CHECK_HAS(complaint("/dev/null", run), "is a device and not a folder");
  CHECK_HAS(complaint(runs.path(), runs.path()), "holds the runs");
  CHECK_HAS(complaint(run, run), "is or lies in a run folder");
  CHECK_HAS(complaint(run, runs.path()), "is or lies in a run folder");
  CHECK_HAS(complaint(run / "report" / "of" / "it", runs.path()), "is or lies in a run folder");
  std::filesystem::create_directory_symlink(runs.path(), folder / "tables");
  CHECK_HAS(complaint(folder.path(), runs.path()), "holds the runs");  // it would be the report's folder of tables
  CHECK_HAS(complaint(folder / "tables", runs.path()), "holds the runs");
  CHECK_HAS(complaint(folder / "tables" / "a" / "x", runs.path()), "is or lies in a run folder");
  CHECK_HAS(complaint(folder / "new", folder / "new"), "holds the runs");  // neither exists yet
  check_report_folder(runs / "report", {runs.path()}, false);
  check_report_folder(folder / "new", {runs.path()}, false);
  const ReportFolder unmade(folder / "new", false);
  CHECK_FALSE(std::filesystem::exists(folder / "new"));
  CHECK_HAS(input_error([&] { ReportFolder(folder / "file" / "x", false).make(); }), "choose another with --out");
}

}  // namespace
}  // namespace notnot
