#include "engine/io/files.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "engine/io/input_error.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

namespace notnot {
namespace {

size_t file_count(const std::filesystem::path& folder) {
  size_t count = 0;
  for (std::filesystem::directory_iterator entry(folder), end; entry != end; ++entry) ++count;
  return count;
}

/// Stands in for a full disk, also for root: no file of this process may grow beyond `bytes`.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : old_handler_(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &old_);
    rlimit limit = old_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    ::signal(SIGXFSZ, old_handler_);
  }

 private:
  rlimit old_{};
  void (*old_handler_)(int);
};

TEST_CASE("what was written is read back, whatever its size and bytes") {
  const TemporaryFolder folder;
  std::string all_bytes(256, '\0');
  for (size_t i = 0; i < all_bytes.size(); ++i) all_bytes[i] = static_cast<char>(i);
  for (const std::string& content : {std::string(), std::string("a"), all_bytes, std::string(3'000'001, 'x')}) {
    write_atomically(folder / "file", content);
    CHECK((read_file(folder / "file") == content));
    CHECK(file_count(folder.path()) == 1);
  }
}

TEST_CASE("pieces arrive in order, small and larger than the buffer") {
  const TemporaryFolder folder;
  std::string expected;
  write_atomically(folder / "file", [&expected](const Sink& sink) {
    for (int i = 0; i < 200; ++i) {
      const std::string piece(i % 50 == 49 ? 1'500'000 : static_cast<size_t>(i) * 100, static_cast<char>('a' + i % 26));
      expected += piece;
      sink(piece);
    }
  });
  CHECK((read_file(folder / "file") == expected));
}

TEST_CASE("files whose size is not known beforehand are read whole") {
  CHECK(read_file("/proc/self/status").find("VmRSS") != std::string::npos);
}

TEST_CASE("only the umask decides who may read the file") {
  const TemporaryFolder folder;
  const mode_t old = ::umask(027);
  write_atomically(folder / "file", "x");
  ::umask(old);
  CHECK(std::filesystem::status(folder / "file").permissions() == std::filesystem::perms{0640});
}

TEST_CASE("a file of the longest allowed name can be written") {
  const TemporaryFolder folder;
  const std::string name(255, 'n');
  write_atomically(folder / name, "x");
  CHECK(read_file(folder / name) == "x");
}

TEST_CASE("a relative path without a folder is written to the current folder") {
  const TemporaryFolder folder;
  const auto old = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  write_atomically("plain", "x");
  CHECK(read_file("plain") == "x");
  std::filesystem::current_path(old);
}

TEST_CASE("errors of reading name the path and the reason") {
  const TemporaryFolder folder;
  CHECK(input_error([&] { read_file(folder / "absent"); }) ==
        fmt::format("cannot read {}/absent: No such file or directory; check that the path is right",
                    folder.path().string()));
  CHECK(input_error([&] { read_file(folder.path()); }).find("Is a directory") != std::string::npos);
}

TEST_CASE("errors of writing name the path and the reason, and leave nothing behind") {
  const TemporaryFolder folder;
  write_atomically(folder / "file", "old");
  const auto below_file = folder / "file" / "below";
  CHECK(input_error([&] { write_atomically(below_file, "x"); }) ==
        fmt::format("cannot write {}: Not a directory; check that the path is right", below_file.string()));
  CHECK(input_error([&] { write_atomically(folder / "absent" / "x", "x"); }).find("No such file") != std::string::npos);
  CHECK(input_error([&] { write_atomically(folder.path(), "x"); }).find("not a regular file") != std::string::npos);
  CHECK(file_count(folder.path()) == 1);
}

TEST_CASE("a device or a pipe is refused, never replaced") {
  const TemporaryFolder folder;
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(input_error([&] { write_atomically(folder / "pipe", "x"); }).find("not a regular file") != std::string::npos);
  CHECK(std::filesystem::is_fifo(folder / "pipe"));
}

TEST_CASE("a full disk keeps the old content") {
  const TemporaryFolder folder;
  write_atomically(folder / "file", "old");
  for (const size_t size : {size_t{100'000}, size_t{5'000'000}}) {  // fails in the last flush, and in the middle
    std::string message;
    {
      const FileSizeLimit limit(65536);
      message = input_error([&] { write_atomically(folder / "file", std::string(size, 'x')); });
    }
    CHECK(message == fmt::format("cannot write {}: File too large; free some space, or choose a folder on another disk",
                                 (folder / "file").string()));
    CHECK(read_file(folder / "file") == "old");
    CHECK(file_count(folder.path()) == 1);
  }
}

TEST_CASE("an error of the one who writes keeps the old content") {
  const TemporaryFolder folder;
  write_atomically(folder / "file", "old");
  const auto write = [](const Sink& sink) {
    sink("new");
    throw Error("changed my mind");
  };
  CHECK_THROWS_WITH_AS(write_atomically(folder / "file", write), "changed my mind", Error);
  CHECK(read_file(folder / "file") == "old");
  CHECK(file_count(folder.path()) == 1);
}

TEST_CASE("a scratch file has no name, and says when the disk is full") {
  const TemporaryFolder folder;
  const auto path = folder / "scratch";
  ScratchFile file(path);
  CHECK(file_count(folder.path()) == 0);
  file.append("to be ");
  file.append("or not");
  std::string part(5, '\0');
  file.read(3, part.size(), part.data());
  CHECK(part == "be or");
  CHECK(input_error([&] { file.read(10, 5, part.data()); }) ==
        fmt::format("cannot read {}: it ends at byte 12", path.string()));
  {
    const FileSizeLimit limit(65536);
    CHECK(input_error([&] { file.append(std::string(100'000, 'x')); }) ==
          fmt::format("cannot write {}: File too large; free some space, or choose a folder on another disk",
                      path.string()));
  }
  write_atomically(path, "mine");
  CHECK(input_error([&] { const ScratchFile other(path); }).find("File exists") != std::string::npos);
  CHECK(read_file(path) == "mine");
  CHECK(input_error([&] { const ScratchFile other(folder / "absent" / "x"); }).find("No such file") !=
        std::string::npos);
}

TEST_CASE("kill -9 in the middle of a write leaves a whole file, and what is left over can be removed") {
  const TemporaryFolder folder;
  constexpr size_t kSize = 4'000'000;
  write_atomically(folder / "file", std::string(kSize, 'a'));
  for (int attempt = 0; attempt < 20; ++attempt) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      [&]() noexcept {  // an exception must end the child, not go on with the tests
        for (char letter = 'a';; letter = static_cast<char>(letter == 'z' ? 'a' : letter + 1)) {
          write_atomically(folder / "file", std::string(kSize, letter));
        }
      }();
    }
    ::usleep(1000 + 700 * attempt);
    ::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    const std::string content = read_file(folder / "file");
    REQUIRE(content.size() == kSize);
    CHECK(content.find_first_not_of(content[0]) == std::string::npos);
  }
  std::ofstream(folder / ".notnot-1-0.tmp") << "a part";
  CHECK(file_count(folder.path()) >= 2);
  remove_temporary_files(folder.path());
  CHECK(file_count(folder.path()) == 1);
}

}  // namespace

TEST_CASE("a file that is read in parts is a regular one") {
  const TemporaryFolder folder;
  CHECK_HAS(input_error([&] { FileReader{folder.path()}; }), "Is a directory");
  CHECK(input_error([] { FileReader{"/dev/null"}; }) ==
        "cannot read /dev/null: it is no regular file, and it is read in parts, not from front to back; write it to a "
        "file first, and give that");
}

}  // namespace notnot
