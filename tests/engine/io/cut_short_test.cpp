// A mapped file that somebody cuts short ends the program with a sentence.
#include "engine/io/cut_short.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>

#include "engine/io/files.h"
#include "tests/support/temporary_folder.h"

using namespace notnot;

namespace {

struct Ended {
  int status = 0;
  std::string errors;
};

/// Runs `work` in a process of its own.
template <class Work>
Ended in_child(const Work& work) {
  std::array<int, 2> pipe{};
  REQUIRE(::pipe(pipe.data()) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(pipe[1], STDERR_FILENO);
    work();
    ::_exit(0);
  }
  ::close(pipe[1]);
  Ended ended;
  std::array<char, 4096> part{};
  for (ssize_t got = 0; (got = ::read(pipe[0], part.data(), part.size())) > 0;) ended.errors.append(part.data(), got);
  ::close(pipe[0]);
  REQUIRE(::waitpid(child, &ended.status, 0) == child);
  return ended;
}

}  // namespace

TEST_CASE("cut short: the sentence names the file of the page that is gone, and the exit status is 1") {
  const TemporaryFolder folder;
  for (const char* name : {"whole", "cut"}) write_atomically(folder / name, std::string(1 << 16, 'x'));
  const Ended ended = in_child([&] {
    const auto whole = FileReader(folder / "whole").map(), cut = FileReader(folder / "cut").map();
    std::filesystem::resize_file(folder / "cut", 10);
    volatile char last = *(static_cast<const char*>(whole.get()) + 65535);
    last = *(static_cast<const char*>(cut.get()) + 65535);
    (void)last;
  });
  REQUIRE(WIFEXITED(ended.status));
  CHECK(WEXITSTATUS(ended.status) == 1);
  CHECK(ended.errors == "notnot: cannot read " + (folder / "cut").string() +
                            ": it was cut short while it was in use, or its disk failed; copy or create it again, and "
                            "give the command again\n");
}

TEST_CASE("cut short: what is no file of ours ends as without us") {
  const TemporaryFolder folder;
  write_atomically(folder / "cut", std::string(1 << 16, 'x'));
  const Ended ended = in_child([&] {
    (void)FileReader(folder / "cut").map();  // and back again
    ::raise(SIGBUS);
    ::raise(SIGBUS);
  });
  CHECK(ended.errors.find("cut short") == std::string::npos);
  CHECK(WIFSIGNALED(ended.status));
  CHECK(WTERMSIG(ended.status) == SIGBUS);
}
