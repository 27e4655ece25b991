// Files with one text per line, as `notnot predict` reads them.
#include "engine/io/text_lines.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "engine/io/files.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

using namespace notnot;
using namespace std::string_literals;

namespace {

using Lines = std::vector<std::pair<std::string, int64_t>>;

Lines lines_of(const std::string& content) {
  const TemporaryFolder folder;
  write_atomically(folder / "texts", content);
  InputStream stream(folder / "texts");
  Lines lines;
  for (const TextLine& line : read_text_lines(stream, "texts")) lines.emplace_back(line.text, line.line);
  return lines;
}

}  // namespace

TEST_CASE("text lines: lines with their numbers, without blank ones, ends and byte order marks") {
  CHECK(lines_of("").empty());
  CHECK(lines_of("\n \t\r\n\xC2\xA0\n\xEF\xBB\xBF\n").empty());
  CHECK(lines_of("A film\r\n\n b c \nlast") == Lines{{"A film", 1}, {" b c ", 3}, {"last", 4}});
  CHECK(lines_of("\xEF\xBB\xBFgood\n\xEF\xBB\xBF"
                 "bad\n") == Lines{{"good", 1}, {"bad", 2}});
  CHECK(lines_of("one\rtwo\r") == Lines{{"one", 1}, {"two", 2}});
  CHECK(lines_of("\xFF\xFEg\0o\0\n\0b\0"s) == Lines{{"go", 1}, {"b", 2}});
}

TEST_CASE("text lines: bytes that are no text are named by line and byte") {
  CHECK(input_error([] { lines_of("a\nb \xE9\n"); }) == "texts, line 2: byte 3 is not UTF-8; save the text as UTF-8");
  CHECK(input_error([] { lines_of("a\0b\n"s); }) == "texts, line 1: byte 2 is NUL; save the text as UTF-8");
}
