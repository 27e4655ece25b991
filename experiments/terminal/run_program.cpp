#include "experiments/terminal/run_program.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <thread>

#include "engine/io/descriptor.h"
#include "engine/io/memory_file.h"
#include "engine/io/stop.h"

namespace notnot {
namespace {

/// In the child. Not posix_spawn, which cannot bind the life of the child to that of `parent`. Other threads may have
/// held locks at the fork: nothing here takes one. Writes the error number to `failure` if there is no such program.
[[noreturn]] void become(char** argv, int output, int failure, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);  // it ended before the line above
  ::signal(SIGPIPE, SIG_DFL);
  // A terminal sends these to both. This program answers, and ends the other one.
  for (const int both : {SIGINT, SIGHUP}) ::signal(both, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::execvp(argv[0], argv);
  const int error = errno;
  (void)!::write(failure, &error, sizeof error);
  ::_exit(1);
}

/// Waits for the program's end, and returns its status as waitpid gives it.
int wait_for(pid_t program) {
  int status = 0;
  while (::waitpid(program, &status, WNOHANG) == 0) {
    if (stop_requested()) ::kill(program, SIGKILL);  // what it writes is lost in any case
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return status;
}

}  // namespace

ProgramEnd run_program(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const MemoryFile output;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {.error = errno};
  const Descriptor read_end(ends[0]);
  Descriptor write_end(ends[1]);
  const pid_t parent = ::getpid(), child = ::fork();
  if (child < 0) return {.error = errno};
  if (child == 0) become(argv.data(), output.descriptor(), write_end.get(), parent);
  write_end.close();
  const int status = wait_for(child);
  check_stop();
  int error = 0;
  if (::read(read_end.get(), &error, sizeof error) == sizeof error) return {.error = error};
  return {.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), .output = output.content()};
}

}  // namespace notnot
