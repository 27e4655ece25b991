#include "engine/io/file_modes.h"

#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>

#include "engine/io/files.h"
#include "tests/support/temporary_folder.h"

using namespace notnot;

namespace {

mode_t mode_of(const std::filesystem::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 0777 : 0;
}

/// What `work` returns in a process of its own, which may change for good.
bool in_child(const std::function<bool()>& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work() ? 0 : 1);
  int status = 0;
  return child > 0 && ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEST_CASE("file modes: new files have those of the umask, and nobody else reads them until they are whole") {
  const TemporaryFolder folder;
  const mode_t before = ::umask(026);
  CHECK(current_umask() == 026);
  write_atomically(folder / "file", [&](const Sink& sink) {
    sink("a");
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) CHECK(mode_of(entry.path()) == 0600);
  });
  ::umask(before);
  CHECK(mode_of(folder / "file") == 0640);
}

TEST_CASE("file modes: after keep_private everything is this user's alone, and no core file is written") {
  const TemporaryFolder folder;
  write_atomically(folder / "open", "old");
  REQUIRE(::chmod((folder / "open").c_str(), 0666) == 0);
  CHECK_FALSE(is_private());
  CHECK(in_child([&] {
    keep_private();
    write_atomically(folder / "open", "new");
    write_atomically(folder / "new", "new");
    std::filesystem::create_directory(folder / "folder");
    return is_private() && ::prctl(PR_GET_DUMPABLE) == 0;
  }));
  CHECK(mode_of(folder / "open") == 0600);
  CHECK(mode_of(folder / "new") == 0600);
  CHECK(mode_of(folder / "folder") == 0700);
  CHECK(in_child([] {
    forbid_core_files();
    rlimit limit{};
    return ::getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0 && limit.rlim_max == 0;
  }));
}
