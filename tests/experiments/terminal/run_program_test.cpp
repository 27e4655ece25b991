#include "experiments/terminal/run_program.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>

#include "engine/io/files.h"
#include "engine/io/memory_file.h"
#include "experiments/terminal/interrupt.h"
#include "tests/support/temporary_folder.h"

namespace notnot {

TEST_CASE("a program that outlives its readers starts others that do not") {
  outlive_readers();
  REQUIRE(std::raise(SIGPIPE) == 0);  // and this test goes on
  CHECK(run_program({"sh", "-c", "kill -PIPE $$; exit 3"}).status == 128 + SIGPIPE);
  CHECK(run_program({"sh", "-c", "exit 3"}).status == 3);
}

TEST_CASE("Ctrl-C on the terminal, which reaches both, does not look like a program that failed") {
  CHECK(run_program({"sh", "-c", "kill -INT $$; exit 3"}).status == 3);
  CHECK(run_program({"sh", "-c", "kill -HUP $$; exit 3"}).status == 3);
}

TEST_CASE("what a program prints comes back, and files in memory are good for it, too") {
  const MemoryFile in("some words"), out;
  const ProgramEnd end =
      run_program({"sh", "-c", "echo error >&2; cat \"$0\"; cat \"$0\" >\"$1\"", in.path(), out.path()});
  CHECK(end.status == 0);
  CHECK(end.output == "error\nsome words");
  CHECK(out.content() == "some words");
}

TEST_CASE("a program that is not there has no status") {
  const ProgramEnd end = run_program({"no-such-program-of-notnot"});
  CHECK(end.status == -1);
  CHECK(end.error == ENOENT);
}

TEST_CASE("a program ends with the one that started it, even if that is killed") {
  const TemporaryFolder folder;
  const std::string file = (folder / "program").string();
  const pid_t parent = ::fork();
  REQUIRE(parent >= 0);
  if (parent == 0) {
    run_program({"sh", "-c", "echo $$ >\"$0\"; exec sleep 60", file});
    ::_exit(0);
  }
  std::string number;
  while (!number.ends_with('\n')) {
    ::usleep(2'000);
    number = other_than_file(file).empty() ? read_file(file) : "";
  }
  const pid_t program = std::stoi(number);
  REQUIRE(::kill(program, 0) == 0);
  ::kill(parent, SIGKILL);
  REQUIRE(::waitpid(parent, nullptr, 0) == parent);
  const auto runs = [program] {  // a zombie is not gone until somebody asks for it
    const std::string status = "/proc/" + std::to_string(program) + "/status";
    return other_than_file(status).empty() && read_file(status).find("State:\tZ") == std::string::npos;
  };
  for (int i = 0; i < 1000 && runs(); ++i) ::usleep(5'000);
  CHECK_FALSE(runs());
}

}  // namespace notnot
