// Reports on texts that may not be shared.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include "engine/io/file_modes.h"
#include "engine/io/files.h"
#include "experiments/report/page.h"
#include "experiments/report/runs.h"
#include "experiments/report/summary.h"
#include "tests/experiments/report/small_study.h"
#include "tests/support/input_error.h"

namespace notnot {
namespace {

using Path = std::filesystem::path;

const std::vector<FakeText> kNotes = {{"secretname has diabetes", 1, 0.9F, {0.5F, 0.25F, 0.25F}},
                                      {"othername has none", 0, 0.2F, {0.5F, 0.25F, 0.25F}}};

std::string page_of(const std::vector<LoadedStudy>& studies) {
  const TemporaryFolder out;
  ReportFolder folder(out / "report", false);
  return report_page(studies, Exhibits(folder));
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("a report on confidential texts says so, and shows none of them unless it is asked to") {
  const TemporaryFolder folder;
  fake_run(folder, "run", {{"dataset", "diabetes"}}, kNotes);
  std::vector<LoadedStudy> studies = load_studies({folder.path()});
  REQUIRE(studies.front().confidential());
  CHECK(is_private());
  std::string page = page_of(studies);
  CHECK_HAS(page, "CONFIDENTIAL: this report may not be shared.");
  CHECK_HAS(page, "It shows no texts and no numbers of single texts.");
  CHECK_HAS(page, "--show-texts");
  for (const char* part : {"secretname", "othername", "Text 101:"}) CHECK_FALSE(has(page, part));
  studies.front().shows_texts = true;
  page = page_of(studies);
  CHECK_HAS(page, "It <b>shows texts</b>");
  for (const char* part : {"secretname", "othername", "Text 101:"}) CHECK_HAS(page, part);
}

TEST_CASE("a report on other texts has no banner") {
  const TemporaryFolder folder;
  fake_run(folder, "run", {{"dataset", "own"}}, kNotes);
  const std::string page = page_of(load_studies({folder.path()}));
  CHECK_FALSE(has(page, "CONFIDENTIAL"));
  CHECK_HAS(page, "secretname");
}

TEST_CASE("one run that was marked makes its study confidential, and hides why others failed") {
  const TemporaryFolder folder;
  const Path marked = fake_run(folder, "own-lstm-learned-seed10", {{"dataset", "own"}}, kNotes);
  nlohmann::json config = RunFolder(marked).config();
  config["confidential"] = true;
  write_atomically(marked / "config.json", config.dump());
  fake_run(folder, "own-failed", {{"dataset", "own"}, {"seed", 11}}, kNotes);
  std::filesystem::remove(folder / "own-failed/result.json");
  RunWriter(RunFolder(folder / "own-failed")).fail("the loss is NaN (texts of rows 524157)", config);
  std::vector<LoadedStudy> studies = load_studies({folder.path()});
  REQUIRE(studies.size() == 1);
  CHECK(studies.front().confidential());
  REQUIRE(studies.front().unused.size() == 1);
  CHECK_FALSE(has(page_of(studies), "524157"));
  studies.front().shows_texts = true;
  CHECK_HAS(page_of(studies), "524157");
}

TEST_CASE("an older report becomes this user's alone, folders too") {
  const TemporaryFolder folder;
  const Path out = folder / "report";
  const mode_t before = ::umask(022);
  const auto runs = fake_run(folder, "run", {{"dataset", "diabetes"}}, kNotes);
  std::filesystem::create_directories(out / "tables");
  write_atomically(out / ".notnot-report",
                   "The files of a report by notnot, which the next report replaces or removes:\n");
  for (const char* name : {"", "tables", ".notnot-report"}) ::chmod((out / name).c_str(), *name == '.' ? 0644 : 0755);
  const std::vector<LoadedStudy> studies = load_studies({runs});
  ReportFolder report(out, false);
  write_report(studies, report);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(out)) {
    CAPTURE(entry.path());
    CHECK((entry.status().permissions() == std::filesystem::perms{entry.is_directory() ? 0700U : 0600U}));
  }
  CHECK((std::filesystem::status(out).permissions() == std::filesystem::perms{0700}));
  ::umask(before);
}

}  // namespace
}  // namespace notnot
