#include "engine/io/lock.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "engine/io/files.h"
#include "tests/support/temporary_folder.h"

using namespace notnot;

TEST_CASE("lock: one owner at a time, and the folder is made") {
  const TemporaryFolder folder;
  const auto path = folder / "a" / "b";
  std::optional<FolderLock> first = FolderLock::take(path);
  REQUIRE(first.has_value());
  CHECK(std::filesystem::is_regular_file(path / FolderLock::kFile));
  CHECK_FALSE(FolderLock::take(path).has_value());
  CHECK(FolderLock::take(folder / "a").has_value());
  {
    const FolderLock moved = *std::exchange(first, std::nullopt);
    CHECK_FALSE(FolderLock::take(path).has_value());
  }
  CHECK(FolderLock::take(path).has_value());
}

TEST_CASE("lock: another process holds it until it ends, however it ends") {
  const TemporaryFolder folder;
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const auto lock = FolderLock::take(folder.path());
    const char state = lock ? '1' : '0';
    (void)!::write(pipe[1], &state, 1);
    ::pause();
    ::_exit(0);
  }
  char state = 0;
  REQUIRE(::read(pipe[0], &state, 1) == 1);
  CHECK(state == '1');
  CHECK_FALSE(FolderLock::take(folder.path()).has_value());
  ::kill(child, SIGKILL);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  CHECK(FolderLock::take(folder.path()).has_value());
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST_CASE("lock: who asks whether it is held makes and takes nothing") {
  const TemporaryFolder folder;
  CHECK_FALSE(FolderLock::is_held(folder / "absent"));
  CHECK_FALSE(FolderLock::is_held(folder.path()));
  CHECK(std::filesystem::is_empty(folder.path()));
  {
    const auto lock = FolderLock::take(folder.path());
    CHECK(FolderLock::is_held(folder.path()));
  }
  CHECK_FALSE(FolderLock::is_held(folder.path()));
  CHECK(FolderLock::take(folder.path()).has_value());
}

TEST_CASE("lock: a lock whose file was removed meanwhile is none") {
  const TemporaryFolder folder;
  std::atomic<int> owners = 0, most = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 20'000; ++n) {
          const auto lock = FolderLock::take(folder.path());
          if (!lock) continue;
          if (++owners > most) most = owners.load();
          --owners;
          std::filesystem::remove(folder.path() / FolderLock::kFile);
        }
      });
    }
  }
  CHECK(most == 1);
}

TEST_CASE("lock: a folder that cannot be made is another matter than a lock that is taken") {
  const TemporaryFolder folder;
  write_atomically(folder / "file", "");
  const auto reason = [](const std::filesystem::path& path) {
    try {
      FolderLock::take(path);
    } catch (const std::system_error& error) {
      return error.code().message();
    }
    return std::string("none");
  };
  CHECK(reason(folder / "file" / "below") == "Not a directory");
  CHECK(reason(folder / "file") != "none");
  std::filesystem::create_directories(folder / "a" / FolderLock::kFile);
  CHECK(reason(folder / "a") == "Is a directory");
}
