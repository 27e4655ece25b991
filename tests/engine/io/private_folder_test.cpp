#include "engine/io/private_folder.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "engine/io/files.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

using namespace notnot;

namespace {

mode_t mode_of(const std::filesystem::path& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

constexpr uid_t kOtherUser = 65534;

/// Whether this process may make files of another user's; says so if not.
bool can_be_another() {
  if (::geteuid() == 0) return true;
  fmt::print("skipped: only root can make another user's files\n");
  return false;
}

}  // namespace

TEST_CASE("private folder: nobody else can enter it, and it goes with its owner") {
  const TemporaryFolder folder;
  const auto path = folder / "above" / "work";
  {
    const auto work = PrivateFolder::make(path);
    REQUIRE(work.has_value());
    CHECK(mode_of(path) == 0700);
    std::filesystem::create_directories(work->path() / "a" / "b");
    write_atomically(work->path() / "a" / "b" / "file", "content");
    CHECK(read_file(path / "a" / "b" / "file") == "content");
    CHECK_FALSE(PrivateFolder::make(path).has_value());
    CHECK(std::filesystem::exists(path / "a" / "b" / "file"));
  }
  CHECK(std::filesystem::is_empty(folder / "above"));
}

TEST_CASE("private folder: it becomes a result with the permissions that the umask says, and never replaces one") {
  const TemporaryFolder folder;
  const mode_t before = ::umask(027);
  {
    auto work = PrivateFolder::make(folder / "work");
    write_atomically(work->path() / "file", "content");
    CHECK(mode_of(folder / "work") == 0700);
    std::filesystem::create_directory(folder / "taken");
    CHECK_THROWS_AS(work->become("taken"), std::system_error);
    work->become("result");
  }
  ::umask(before);
  CHECK(mode_of(folder / "result") == 0750);
  CHECK(mode_of(folder / "result" / "file") == 0640);
  CHECK_FALSE(std::filesystem::exists(folder / "result" / FolderLock::kFile));
  CHECK_FALSE(std::filesystem::exists(folder / "work"));
}

TEST_CASE("private folder: one that a killed process left is taken over, and emptied without following links") {
  const TemporaryFolder folder;
  write_atomically(folder / "thesis", "years of work");
  std::filesystem::create_directory(folder / "home");
  write_atomically(folder / "home" / "letter", "mine");
  std::filesystem::create_directories(folder / "work" / "below");
  ::chmod((folder / "work").c_str(), 0777);
  std::filesystem::create_symlink(folder / "thesis", folder / "work" / "link");
  std::filesystem::create_directory_symlink(folder / "home", folder / "work" / "below" / "home");
  const auto work = PrivateFolder::make(folder / "work");
  REQUIRE(work.has_value());
  CHECK(mode_of(folder / "work") == 0700);
  size_t entries = 0;
  for (const auto& entry : std::filesystem::directory_iterator(work->path())) {
    CHECK(entry.path().filename() == FolderLock::kFile);
    ++entries;
  }
  CHECK(entries == 1);
  CHECK(read_file(folder / "thesis") == "years of work");
  CHECK(read_file(folder / "home" / "letter") == "mine");
}

TEST_CASE("private folder: a planted link, a file and another user's folder are refused and left alone") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "home");
  write_atomically(folder / "home" / "letter", "mine");
  std::filesystem::create_directory_symlink(folder / "home", folder / "link");
  write_atomically(folder / "file", "mine");
  for (const char* name : {"link", "file"}) {
    CHECK_HAS(input_error([&] { PrivateFolder::make(folder / name); }), "is no folder of yours");
  }
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(read_file(folder / "home" / "letter") == "mine");
  CHECK_FALSE(std::filesystem::exists(folder / "home" / FolderLock::kFile));
  CHECK(mode_of(folder / "home") != 0700);
  if (!can_be_another()) return;
  // Above it the path is as the user gave it, and may have links of whomever.
  REQUIRE(::lchown((folder / "link").c_str(), kOtherUser, kOtherUser) == 0);
  CHECK(PrivateFolder::make(folder / "link" / "work").has_value());
  std::filesystem::create_directory(folder / "other");
  ::chmod((folder / "other").c_str(), 0777);
  REQUIRE(::chown((folder / "other").c_str(), kOtherUser, kOtherUser) == 0);
  CHECK_HAS(input_error([&] { PrivateFolder::make(folder / "other"); }), "is no folder of yours");
  CHECK(std::filesystem::is_empty(folder / "other"));
  CHECK(mode_of(folder / "other") == 0777);
}

TEST_CASE("private folder: who puts something else in its place gains nothing") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "home");
  write_atomically(folder / "home" / "letter", "mine");
  {
    auto work = PrivateFolder::make(folder / "work");
    write_atomically(work->path() / "letter", "first");
    std::filesystem::rename(folder / "work", folder / "moved");
    std::filesystem::create_directory_symlink(folder / "home", folder / "work");
    write_atomically(work->path() / "letter", "second");
    CHECK(read_file(folder / "moved" / "letter") == "second");
    CHECK_THROWS_AS(work->become("result"), std::system_error);
  }
  CHECK(read_file(folder / "home" / "letter") == "mine");
  CHECK_FALSE(std::filesystem::exists(folder / "moved" / "letter"));
}

TEST_CASE("private folder: killed with it, the next one cleans up") {
  const TemporaryFolder folder;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const auto work = PrivateFolder::make(folder / "work");
    write_atomically(work->path() / "file", "secret");
    ::kill(::getpid(), SIGKILL);
  }
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  CHECK(read_file(folder / "work" / "file") == "secret");
  PrivateFolder::make(folder / "work");
  CHECK_FALSE(std::filesystem::exists(folder / "work"));
}
