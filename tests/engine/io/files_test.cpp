#include "engine/io/files.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "engine/io/input_error.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

namespace notnot {
namespace {

size_t file_count(const std::filesystem::path& folder) {
  size_t count = 0;
  for (std::filesystem::directory_iterator entry(folder), end; entry != end; ++entry) ++count;
  return count;
}

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

TEST_CASE("what is read whole is a regular file: a pipe would hold the program up, a device may have no end") {
  const TemporaryFolder folder;
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK_HAS(input_error([&] { read_file(folder / "pipe"); }), "it is a pipe");
  CHECK_HAS(input_error([] { read_file("/dev/zero"); }), "it is a device");
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

/// What `write` writes to this process's standard output, which is the file `path` meanwhile.
template <class Write>
std::string standard_output_of(const std::filesystem::path& path, const Write& write) {
  const int before = ::dup(STDOUT_FILENO), file = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND, 0600);
  REQUIRE(file >= 0);
  ::dup2(file, STDOUT_FILENO);
  ::close(file);
  write();
  ::dup2(before, STDOUT_FILENO);
  ::close(before);
  return read_file(path);
}

TEST_CASE("a pipe is written through, never replaced") {
  const TemporaryFolder folder;
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  std::filesystem::create_symlink("pipe", folder / "link");
  for (const char* name : {"pipe", "link"}) {
    const int reader = ::open((folder / "pipe").c_str(), O_RDONLY | O_NONBLOCK);
    write_atomically(folder / name, "through");
    char bytes[16] = {};
    CHECK(::read(reader, bytes, sizeof bytes) == 7);
    CHECK(std::string(bytes) == "through");
    ::close(reader);
  }
  CHECK(std::filesystem::is_fifo(folder / "pipe"));
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(file_count(folder.path()) == 2);
}

/// A device as /dev/`name`: a link to it; for root, who could replace the machine's, a device of the test's own.
/// Nothing if none can be made here.
std::optional<std::filesystem::path> device(const TemporaryFolder& folder, const char* name, unsigned number) {
  const std::filesystem::path path = folder / name;
  if (::geteuid() != 0) {
    std::filesystem::create_symlink(std::string("/dev/") + name, path);
  } else if (::mknod(path.c_str(), S_IFCHR | 0666, makedev(1, number)) != 0) {
    return std::nullopt;
  }
  const int file = ::open(path.c_str(), O_WRONLY);
  if (file < 0) return std::nullopt;
  ::close(file);
  return path;
}

TEST_CASE("a device is written through, never replaced, and says that it is full") {
  const TemporaryFolder folder;
  const auto null = device(folder, "null", 3), full = device(folder, "full", 7);
  if (!null || !full) {
    MESSAGE("skipped: no device can be made here");
    return;
  }
  write_atomically(*null, "nothing");
  CHECK(input_error([&] { write_atomically(*full, "x"); }) ==
        fmt::format("cannot write {}: No space left on device; free some space, or choose a folder on another disk",
                    full->string()));
  for (const auto& path : {*null, *full}) CHECK(std::filesystem::is_character_file(path));
  CHECK(file_count(folder.path()) == 2);
}

TEST_CASE("standard output and other open files are written where they stand, by any of their names") {
  const TemporaryFolder folder;
  std::filesystem::create_symlink("/proc/self/fd/1", folder / "mine");
  std::filesystem::create_symlink("/dev/fd", folder / "descriptors");
  std::string expected = "first\n";
  std::ofstream(folder / "out") << expected;
  std::vector<std::string> names = {"/dev/fd/1", "/proc/self/fd/1", fmt::format("/proc/{}/fd/1", ::getpid()),
                                    (folder / "mine").string(), (folder / "descriptors" / "1").string()};
  if (::geteuid() != 0) names.emplace_back("/dev/stdout");  // a fault could replace it for the whole machine
  for (const std::string& name : names) {
    CAPTURE(name);
    expected += "then\n";
    CHECK(standard_output_of(folder / "out", [&] { write_atomically(name, "then\n"); }) == expected);
  }
  CHECK(std::filesystem::is_symlink("/dev/stdout"));
  CHECK(std::filesystem::is_symlink(folder / "mine"));

  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  write_atomically(fmt::format("/dev/fd/{}", pipe[1]), "x");
  char byte = 0;
  CHECK(::read(pipe[0], &byte, 1) == 1);
  CHECK(byte == 'x');
  for (const int end : pipe) ::close(end);
  CHECK_HAS(input_error([&] { write_atomically(fmt::format("/dev/fd/{}", pipe[1]), "x"); }), "Bad file descriptor");
}

TEST_CASE("a full standard output is an error that the user cannot mend with another path") {
  const int before = ::dup(STDOUT_FILENO), full = ::open("/dev/full", O_WRONLY);
  ::dup2(full, STDOUT_FILENO);
  std::string message;
  try {
    write_atomically("/dev/fd/1", "x");
  } catch (const InputError&) {
    message = "an InputError";
  } catch (const Error& error) {
    message = error.what();
  }
  ::dup2(before, STDOUT_FILENO);
  for (const int descriptor : {before, full}) ::close(descriptor);
  CHECK(message == "cannot write to standard output: No space left on device");
}

TEST_CASE("a symbolic link stays, and the file behind it is replaced") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "far");
  write_atomically(folder / "far" / "file", "old");
  std::filesystem::create_symlink("far/file", folder / "a");
  std::filesystem::create_symlink(folder / "a", folder / "b");
  write_atomically(folder / "b", "new");
  CHECK(read_file(folder / "far" / "file") == "new");
  CHECK(std::filesystem::read_symlink(folder / "a") == "far/file");
  CHECK(std::filesystem::is_symlink(folder / "b"));

  std::filesystem::create_symlink("far/absent", folder / "dangling");
  write_atomically(folder / "dangling", "made");
  CHECK(std::filesystem::is_symlink(folder / "dangling"));
  CHECK(read_file(folder / "far" / "absent") == "made");
  CHECK(file_count(folder / "far") == 2);

  std::filesystem::create_symlink("nowhere/x", folder / "lost");
  CHECK_HAS(input_error([&] { write_atomically(folder / "lost", "x"); }), "No such file");
  std::filesystem::create_symlink("loop", folder / "loop");
  CHECK_HAS(input_error([&] { write_atomically(folder / "loop", "x"); }), "Too many levels of symbolic links");
  std::filesystem::create_symlink("far", folder / "folder");
  CHECK_HAS(input_error([&] { write_atomically(folder / "folder", "x"); }), "a folder");
  CHECK(file_count(folder.path()) == 7);
}

TEST_CASE("a link that another user made is not followed" * doctest::skip(::geteuid() != 0)) {
  const TemporaryFolder folder;
  write_atomically(folder / "thesis", "years of work");
  std::filesystem::create_symlink("thesis", folder / "planted");
  REQUIRE(::lchown((folder / "planted").c_str(), 65534, 65534) == 0);
  CHECK_HAS(input_error([&] { write_atomically(folder / "planted", "x"); }), "another user made; remove it");
  CHECK(read_file(folder / "thesis") == "years of work");
}

TEST_CASE("permissions, owner and group stay; another hard link keeps the old content") {
  const TemporaryFolder folder;
  const auto path = folder / "file";
  write_atomically(path, "old");
  std::filesystem::create_hard_link(path, folder / "other");
  for (const mode_t mode : {mode_t{0600}, mode_t{0664}, mode_t{0755}}) {
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    if (::geteuid() == 0) REQUIRE(::chown(path.c_str(), 65534, 65533) == 0);
    write_atomically(path, "new");
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == mode);
    if (::geteuid() == 0) CHECK((status.st_uid == 65534 && status.st_gid == 65533));
  }
  CHECK(read_file(folder / "other") == "old");
}

TEST_CASE("what a private file gets is never readable for others, not even while it is written") {
  const TemporaryFolder folder;
  write_atomically(folder / "file", "old");
  REQUIRE(::chmod((folder / "file").c_str(), 0600) == 0);
  write_atomically(folder / "file", [&](const Sink& sink) {
    sink("secret");
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
      CHECK(entry.status().permissions() == std::filesystem::perms{0600});
    }
  });
}

TEST_CASE("a write-protected file is not replaced" * doctest::skip(::geteuid() == 0)) {
  const TemporaryFolder folder;
  write_atomically(folder / "file", "precious");
  REQUIRE(::chmod((folder / "file").c_str(), 0444) == 0);
  CHECK_HAS(input_error([&] { write_atomically(folder / "file", "x"); }), "Permission denied");
  CHECK(read_file(folder / "file") == "precious");
}

TEST_CASE("a temporary file is made anew, never through a link that was put there") {
  const TemporaryFolder folder;
  write_atomically(folder / "thesis", "years of work");
  // The names that the next writes of this process take.
  for (int i = 0; i < 1000; ++i) {
    std::filesystem::create_symlink("thesis", folder / fmt::format(".notnot-{}-{}.tmp", ::getpid(), i));
  }
  write_atomically(folder / "file", "x");
  CHECK(read_file(folder / "thesis") == "years of work");
  CHECK(read_file(folder / "file") == "x");
}

TEST_CASE("the same file under two names") {
  const TemporaryFolder folder;
  write_atomically(folder / "a", "");
  write_atomically(folder / "b", "");
  std::filesystem::create_hard_link(folder / "a", folder / "hard");
  std::filesystem::create_symlink("a", folder / "soft");
  std::filesystem::create_directories(folder / "sub");
  CHECK(same_file(folder / "a", folder / "hard"));
  CHECK(same_file(folder / "soft", folder / "hard"));
  CHECK(same_file(folder / "sub" / ".." / "a", folder / "a"));
  CHECK(same_file(folder / "sub", (folder / "sub").string() + "/"));
  CHECK_FALSE(same_file(folder / "a", folder / "b"));
  CHECK_FALSE(same_file(folder / "a", folder / "new"));
  CHECK(same_file(folder / "new", folder / "sub" / ".." / "new"));
  CHECK(same_file((folder / "new").string() + "/", folder / "new"));
  CHECK_FALSE(same_file(folder / "new", folder / "newer"));

  std::filesystem::create_symlink("sub", folder / "way");
  CHECK(is_within(folder / "sub", folder / "sub"));
  CHECK(is_within(folder / "way" / "x" / "y", folder / "sub"));
  CHECK(is_within(folder / "new" / "x", folder / "new"));
  CHECK(is_within(folder / "soft", folder / "a"));
  CHECK_FALSE(is_within(folder / "sub", folder / "sub" / "x"));
  CHECK_FALSE(is_within(folder / "submarine", folder / "sub"));
  CHECK_FALSE(is_within(folder / "a", ""));
  CHECK_FALSE(is_within("/dev/null", "/dev/null"));
}

TEST_CASE("what is not a regular file is named, and a pipe is not waited for") {
  const TemporaryFolder folder;
  write_atomically(folder / "file", "x");
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(other_than_file(folder / "file").empty());
  CHECK(other_than_file(folder / "absent") == "nothing");
  CHECK(other_than_file(folder.path()) == "a folder");
  CHECK(other_than_file(folder / "pipe") == "a pipe");
  CHECK(other_than_file("/dev/null") == "a device");
  std::filesystem::create_symlink("absent", folder / "link");
  CHECK(other_than_file(folder / "link") == "a link that leads nowhere");
  CHECK(input_error([&] { FileReader reader(folder / "pipe"); }) ==
        fmt::format("cannot read {}: it is a pipe, and it is read in parts, not from front to back; write it to a file "
                    "first, and give that",
                    (folder / "pipe").string()));
  CHECK_HAS(input_error([&] { FileReader reader(folder.path()); }), "Is a directory");
  CHECK_HAS(input_error([&] { FileReader reader(folder / "absent"); }), "No such file");
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

TEST_CASE("whether something is there is told, or why that cannot be told") {
  const TemporaryFolder folder;
  write_atomically(folder / "file", "");
  std::filesystem::create_symlink("loop", folder / "loop");
  std::filesystem::create_symlink("nothing", folder / "broken");
  CHECK(is_there(folder / "file"));
  CHECK(is_there(folder.path()));
  for (const auto& path : {folder / "nothing", folder / "broken", folder / "file" / "below"})
    CHECK_FALSE(is_there(path));
  const std::string long_name(300, 'a');
  for (const auto& [name, why] : {std::pair<std::string, std::string>{"loop", "Too many levels of symbolic links"},
                                  {long_name, "File name too long"}}) {
    CHECK(input_error([&] { is_there(folder / name); }) ==
          fmt::format("cannot use {}: {}; check that the path is right", (folder / name).string(), why));
  }
}

TEST_CASE("a file that is too large for what it is, is refused before it is read") {
  const TemporaryFolder folder;
  constexpr size_t kMost = 3 << 20;
  write_atomically(folder / "file", "content");
  std::filesystem::resize_file(folder / "file", kMost);
  CHECK(read_small_file(folder / "file", kMost, "").size() == kMost);
  for (const size_t size : {kMost + 1, size_t{1} << 40}) {  // the larger one would take hours
    std::filesystem::resize_file(folder / "file", size);
    CHECK(input_error([&] { read_small_file(folder / "file", kMost, "copy it again"); }) ==
          fmt::format("{} is damaged: {} MiB are too many for such a file; copy it again", (folder / "file").string(),
                      size >> 20));
  }
}

}  // namespace

}  // namespace notnot
