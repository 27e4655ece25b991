// Input files: whatever can be read once is read whole, packed or in UTF-16, and its checksum is what sha256sum prints;
// what is no text is refused by name. The packed bytes were made with gzip(1).
#include "engine/io/input_stream.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "engine/io/checksum.h"
#include "engine/io/files.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

using namespace notnot;
using namespace std::string_literals;

namespace {

// printf 'one\ntwo\n' | gzip -n, and printf 'three' | gzip -n
const std::string kOneTwo =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\xcf\x4b\xe5\x2a\x29\xcf\xe7\x02\x00\xe6\x0b\xba\x12\x08\x00\x00\x00"s;
const std::string kThree =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x2b\xc9\x28\x4a\x4d\x05\x00\xf5\xd8\xc5\x46\x05\x00\x00\x00"s;

class InputFolder {
 public:
  std::filesystem::path file(const std::string& content) const {
    write_atomically(folder_ / "file", content);
    return folder_ / "file";
  }
  std::string content(const std::string& bytes) const { return read_input(file(bytes)).content; }
  std::string message(const std::string& bytes) const {
    return input_error([&] { read_input(file(bytes)); });
  }
  const TemporaryFolder& folder() const { return folder_; }

 private:
  TemporaryFolder folder_;
};

std::vector<std::string> lines_of(InputStream&& stream) {
  std::vector<std::string> lines;
  for (std::string line; stream.read_line(line);) lines.push_back(line);
  return lines;
}

/// The message of `action`, during which this process can open no file.
template <class Action>
std::string without_descriptors(const Action& action) {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  std::string message = input_error(action);
  ::setrlimit(RLIMIT_NOFILE, &before);
  return message;
}

/// `text` is ASCII.
std::string utf16(const std::string& text, bool little_endian) {
  std::string bytes = little_endian ? "\xFF\xFE" : "\xFE\xFF";
  for (const char byte : text) bytes += little_endian ? std::string{byte, '\0'} : std::string{'\0', byte};
  return bytes;
}

}  // namespace

TEST_CASE("input stream: lines, with and without an end, across the buffer's edge") {
  const InputFolder inputs;
  CHECK(lines_of(InputStream(inputs.file(""))).empty());
  CHECK(lines_of(InputStream(inputs.file("a\n\nb\r\n"))) == std::vector<std::string>{"a", "", "b\r"});
  CHECK(lines_of(InputStream(inputs.file("a\n\n"))) == std::vector<std::string>{"a", ""});
  CHECK(lines_of(InputStream(inputs.file("a\nb"))) == std::vector<std::string>{"a", "b"});
  const std::string zeros("\0\0", 2);
  CHECK(lines_of(InputStream(inputs.file("a" + zeros + "\nb"))) == std::vector<std::string>{"a" + zeros, "b"});
  std::vector<std::string> expected;
  std::string content;
  for (int i = 0; i < 40000; ++i) content += expected.emplace_back(std::to_string(i)) + "\n";
  expected.emplace_back(200000, 'x');
  CHECK(lines_of(InputStream(inputs.file(content + expected.back()))) == expected);
}

TEST_CASE("input stream: lines that end with carriage returns, if there is no line feed") {
  const InputFolder inputs;
  CHECK(lines_of(InputStream(inputs.file("a\r\rb"))) == std::vector<std::string>{"a", "", "b"});
  CHECK(lines_of(InputStream(inputs.file("a\rb\r"))) == std::vector<std::string>{"a", "b"});
  CHECK(lines_of(InputStream(inputs.file("a\r"))) == std::vector<std::string>{"a"});
  CHECK(lines_of(InputStream(inputs.file("a\rb\nc\rd"))) == std::vector<std::string>{"a\rb", "c\rd"});
}

TEST_CASE("input stream: bytes, a look ahead and the rest") {
  const InputFolder inputs;
  InputStream stream(inputs.file("0123456789"));
  CHECK(stream.peek(3).starts_with("012"));
  std::array<char, 4> four{};
  CHECK(stream.read(four.data(), 4) == 4);
  CHECK(std::string(four.data(), 4) == "0123");
  CHECK(stream.peek(4) == "456789");
  CHECK(stream.read_rest() == "456789");
  CHECK(stream.read(four.data(), 4) == 0);
  CHECK(stream.peek(1).empty());
}

TEST_CASE("input stream: the checksum is that of the file's own bytes, however much was read") {
  const InputFolder inputs;
  const std::string content(300000, 'q');
  for (const std::string& bytes : {""s, "abc"s, content, kOneTwo + kThree, utf16("abc", true)}) {
    InputStream unread(inputs.file(bytes));
    CHECK(unread.checksum() == sha256(bytes));
    CHECK(unread.checksum() == sha256(bytes));
    CHECK(unread.file_bytes() == bytes.size());
    CHECK(read_input(inputs.file(bytes)).checksum == sha256(bytes));
    CHECK(read_input(inputs.file(bytes)).bytes == bytes.size());
  }
}

TEST_CASE("input stream: what is added behind the end that was read is neither read nor counted") {
  const InputFolder inputs;
  InputStream stream(inputs.file("abc"));
  CHECK(stream.read_rest() == "abc");
  std::ofstream(inputs.folder() / "file", std::ios::app) << "def";
  CHECK(stream.peek(1).empty());
  CHECK(stream.read_rest().empty());
  CHECK(stream.checksum() == sha256("abc"));
  CHECK(stream.file_bytes() == 3);
}

TEST_CASE("input stream: a pipe is read once, to its end") {
  const InputFolder inputs;
  const auto pipe = inputs.folder() / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const std::string content(500000, 'p');
  std::thread writer([&] {
    FILE* out = std::fopen(pipe.c_str(), "wb");
    std::fwrite(content.data(), 1, content.size(), out);
    std::fclose(out);
  });
  const InputFile read = read_input(pipe);
  writer.join();
  CHECK(read.content == content);
  CHECK(read.checksum == sha256(content));
}

TEST_CASE("input stream: gzip is unpacked, all members of it") {
  const InputFolder inputs;
  CHECK(inputs.content(kOneTwo) == "one\ntwo\n");
  CHECK(inputs.content(kOneTwo + kThree) == "one\ntwo\nthree");
  CHECK(inputs.content(kOneTwo + kThree + std::string(1000, '\0')) == "one\ntwo\nthree");  // as tapes are filled up
  CHECK(lines_of(InputStream(inputs.file(kOneTwo + kThree))) == std::vector<std::string>{"one", "two", "three"});
}

TEST_CASE("input stream: a damaged, cut or lengthened gzip is an error, wherever it is cut") {
  const InputFolder inputs;
  for (size_t size = 2; size < kOneTwo.size(); ++size) {
    CHECK_HAS(inputs.message(kOneTwo.substr(0, size)), "file: the gzip file is cut short; get it again");
    CHECK_HAS(inputs.message(kThree + kOneTwo.substr(0, size)), "file: the gzip file is cut short; get it again");
  }
  std::string damaged = kOneTwo;
  damaged[kOneTwo.size() - 8] ^= 1;
  CHECK_HAS(inputs.message(damaged), "the gzip file is damaged (incorrect data check); get it again");
  damaged = kOneTwo;
  damaged[10] ^= 7;
  CHECK_HAS(inputs.message(damaged), "the gzip file is damaged");
  CHECK_HAS(inputs.message(kOneTwo + "rest"), "stand behind the gzip file's end");
  CHECK_HAS(inputs.message(kOneTwo + "\x1f"), "stand behind the gzip file's end");
  CHECK_HAS(input_error([&] { InputStream(inputs.file(kOneTwo + "x")).checksum(); }), "behind the gzip file's end");
}

TEST_CASE("input stream: UTF-16 with a byte order mark becomes UTF-8") {
  const InputFolder inputs;
  for (const bool little_endian : {true, false}) {
    CHECK(inputs.content(utf16("text\n1,2\n", little_endian)) == "text\n1,2\n");
    CHECK(inputs.content(utf16("", little_endian)).empty());
    const std::string half = utf16("text", little_endian);
    CHECK_HAS(inputs.message(half.substr(0, half.size() - 1)),
              "it is UTF-16 and ends within a character, so it was cut; get it again");
  }
  const std::string wide = "\xFE\xFF\0\xE9\x20\xAC\xD8\x3D\xDE\x00"s;  // U+00E9, U+20AC, U+1F600
  CHECK(inputs.content(wide) == "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  for (const std::string& surrogates : {"\xD8\x3D"s, "\xDE\x00"s, "\xD8\x3D\0a"s, "\xD8\x3D\xD8\x3D\xDE\x00"s})
    CHECK_HAS(inputs.message("\xFE\xFF\0a"s + surrogates), "half of a pair of surrogates stands before byte");
  std::string many;
  for (int i = 0; i < 100000; ++i) many += fmt::format("{}\n", i);
  CHECK(inputs.content(utf16(many, true)) == many);
}

TEST_CASE("input stream: what is no text is refused by name, with the remedy") {
  const InputFolder inputs;
  const auto check = [&](const std::string& bytes, const std::string& what) {
    CHECK_HAS(inputs.message(bytes), "file looks like " + what);
  };
  check("PK\3\4\x14\0\6\0"s, "a Zip file, perhaps a spreadsheet (.xlsx, .ods); unpack it (unzip)");
  check("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0"s, "an old document of Microsoft Office");
  check("BZh91AY&SY\0\0"s, "a file packed with bzip2; unpack it (bunzip2)");
  check("\xFD\x37zXZ\0\0\4"s, "a file packed with xz; unpack it (xz -d)");
  check("\x28\xB5\x2F\xFD\4\0"s, "a file packed with Zstandard; unpack it (zstd -d)");
  check("PAR1\x15\4"s, "a Parquet file");
  check("\x93NUMPY\1\0"s, "an array of NumPy (.npy)");
  check("SQLite format 3\0\x10\0"s, "a database of SQLite");
  check("%PDF-1.5\n", "a PDF");
  check("\x80\4\x95\x12\0\0\0\0\0\0\0"s, "a pickle of Python");
  check("$FL2@(#) SPSS"s, "data of SPSS (.sav)");
  check("<stata_dta><header>"s, "data of Stata (.dta)");
  check("\x72\2\1\0\1\0"s, "data of Stata (.dta)");
  check("\xFF\xFF\xFF\xFF\x70\0\0\0"s, "a stream of Arrow");
  check("X\n\0\0\0\3\0\4"s, "data of R");
  check("RDA3\nA\n"s, "data of R");
  check("x\x9C\x4B\x4C\4\0"s, "a file packed with zlib");
  check("x\xDA\x4B\x4C\4\0"s, "a file packed with zlib");
  check("<?xml version='1.0'?>"s, "XML; convert it");
  check("\xBA\x16\x4F\x2F\x0C\0\0\0"s, "a model of fastText in its binary form (.bin); give its word vectors");
  check("version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "a pointer of Git LFS");
  check("\x40\0\0\0\0\0\0\0{\"a\":{}}"s, "a safetensors file; give a text file");
  check("a.csv" + std::string(252, '\0') + "ustar\0"s + "00"s, "a tar archive");
  check("a.csv" + std::string(252, '\0') + "ustar  \0"s, "a tar archive");  // GNU's
  check("\xFF\xFE\0\0t\0\0\0"s, "UTF-32");
  check("\0\0\xFE\xFF\0\0\0t"s, "UTF-32");
  check("t\0\0\0e\0\0\0x\0\0\0t\0\0\0"s, "UTF-32");
  check("t\0e\0x\0t\0"s, "UTF-16 without a byte order mark; save the file as UTF-8");
  check("\0t\0e\0x\0t"s, "UTF-16 without a byte order mark");
  // gzip -n twice
  check(
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x93\xef\xe6\x60\x00\x03\x66\xed\x93\x1a\x5e\xbe\xac\x0c\x5f\x6f\x1c\x75"
      "\x63\x05\x0a\x01\x00\x90\x73\xc6\xc1\x19\x00\x00\x00"s,
      "a file packed with gzip; unpack it (gunzip)");
  for (const std::string& text : {"text,label\n"s, "{\"text\": 1}"s, "3 2\na 1 2\n"s, "\xEF\xBB\xBFtext"s, "PKZ"s,
                                  "a\0b"s, "<html> as a text\n"s, "x\xDA\xA1 text\n"s, "x\x01"s, "xylophone\n"s, "X\n"s,
                                  "$FLAG\n"s, std::string(256, ' ') + "mustard  and custard\n"}) {
    CHECK(inputs.content(text) == text);
  }
}

TEST_CASE("input stream: what cannot be opened or read is named") {
  const TemporaryFolder folder;
  CHECK(input_error([&] { InputStream{folder / "nowhere"}; }) ==
        fmt::format("cannot read {}: No such file or directory; check that the path is right",
                    (folder / "nowhere").string()));
  CHECK_HAS(input_error([&] { InputStream{folder.path()}; }), "Is a directory");
  CHECK_HAS(without_descriptors([&] { InputStream{folder.path()}; }),
            "Too many open files; train fewer models at once with --fleet, or allow more open files (ulimit -n)");
  // The kernel refuses to read the memory at 0: a read that fails, as on a damaged disk.
  CHECK_HAS(input_error([] { InputStream{"/proc/self/mem"}; }), "cannot read /proc/self/mem: Input/output error");
}

TEST_CASE("input stream: a line has an end before the memory has") {
  const TemporaryFolder folder;
  write_atomically(folder / "line", "a word, and then nothing but NUL");
  std::filesystem::resize_file(folder / "line", size_t{257} << 20);  // takes no space
  std::string line;
  CHECK_HAS(input_error([&] { InputStream{folder / "line"}.read_line(line); }), "a line of more than 256 MiB");
}
