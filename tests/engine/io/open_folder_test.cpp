#include "engine/io/open_folder.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <system_error>

#include "engine/io/files.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

using namespace notnot;

namespace {

mode_t mode_of(const std::filesystem::path& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

constexpr uid_t kOtherUser = 65534;

/// Makes the file or link another user's; says so if only root could.
bool give_away(const std::filesystem::path& path) {
  if (::lchown(path.c_str(), kOtherUser, kOtherUser) == 0) return true;
  fmt::print("skipped: only root can make another user's files\n");
  return false;
}

}  // namespace

TEST_CASE("open folder: it is made, and stays the same when its name is another's") {
  const TemporaryFolder folder;
  const OpenFolder open(folder / "a" / "b/");
  write_atomically(open.path() / "file", "first");
  CHECK(read_file(folder / "a" / "b" / "file") == "first");
  std::filesystem::rename(folder / "a", folder / "moved");
  std::filesystem::create_directories(folder / "a" / "b");
  write_atomically(open.path() / "file", "second");
  CHECK(std::filesystem::is_empty(folder / "a" / "b"));
  CHECK(read_file(folder / "moved" / "b" / "file") == "second");
  CHECK(shown_path(open.path() / "file") == folder / "moved" / "b" / "file");
  CHECK(shown_path(folder / "file") == folder / "file");
  CHECK(shown_path(kStandardOutput) == kStandardOutput);
  CHECK_HAS(input_error([&] { read_file(open.path() / "none"); }), (folder / "moved" / "b" / "none").string());
}

TEST_CASE("open folder: what is written into it follows no link, and goes through no pipe") {
  const TemporaryFolder folder;
  const OpenFolder open(folder / "open");
  write_atomically(folder / "thesis", "years of work");
  std::filesystem::create_symlink(folder / "thesis", folder / "open" / "link");
  std::filesystem::create_symlink(folder / "nothing", folder / "open" / "broken");
  REQUIRE(::mkfifo((folder / "open" / "pipe").c_str(), 0600) == 0);
  for (const char* name : {"link", "broken", "pipe"}) {
    write_atomically(open.path() / name, "new");
    CHECK(std::filesystem::symlink_status(folder / "open" / name).type() == std::filesystem::file_type::regular);
    CHECK(read_file(folder / "open" / name) == "new");
  }
  CHECK(read_file(folder / "thesis") == "years of work");
  CHECK_FALSE(std::filesystem::exists(folder / "nothing"));
}

TEST_CASE("open folder: own links are followed, those of another user are not") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "home");
  std::filesystem::create_directory_symlink(folder / "home", folder / "link");
  write_atomically(OpenFolder(folder / "link").path() / "file", "x");
  CHECK(std::filesystem::exists(folder / "home" / "file"));
  write_atomically(folder / "plain", "");
  CHECK_THROWS_AS(OpenFolder(folder / "plain"), std::system_error);
  if (!give_away(folder / "link")) return;
  CHECK_HAS(input_error([&] { OpenFolder open(folder / "link"); }), "a symbolic link that another user made");
  CHECK_HAS(input_error([&] { OpenFolder open(folder / "link/"); }), "a symbolic link that another user made");
}

TEST_CASE("make_private: the folder and its files, but nothing that a link leads to") {
  const TemporaryFolder folder;
  write_atomically(folder / "elsewhere", "x");
  std::filesystem::create_directory(folder / "run");
  write_atomically(folder / "run" / "file", "x");
  std::filesystem::create_symlink(folder / "elsewhere", folder / "run" / "link");
  for (const char* name : {"elsewhere", "run/file"}) REQUIRE(::chmod((folder / name).c_str(), 0644) == 0);
  REQUIRE(::chmod((folder / "run").c_str(), 0755) == 0);
  make_private(folder / "run");
  CHECK(mode_of(folder / "run") == 0700);
  CHECK(mode_of(folder / "run" / "file") == 0600);
  CHECK(mode_of(folder / "elsewhere") == 0644);
  REQUIRE(::mkfifo((folder / "run" / "pipe").c_str(), 0666) == 0);
  CHECK_HAS(input_error([&] { make_private(folder / "run"); }), "pipe is no file");
  std::filesystem::remove(folder / "run" / "pipe");
  if (!give_away(folder / "run")) return;
  CHECK_HAS(input_error([&] { make_private(folder / "run"); }), "it belongs to another user");
}
