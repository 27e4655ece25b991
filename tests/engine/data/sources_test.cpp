#include "engine/data/sources.h"

#include <doctest/doctest.h>

#include <string>

#include "engine/io/checksum.h"
#include "engine/io/files.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

using namespace notnot;

namespace {

void write(const std::filesystem::path& path, const std::string& content) {
  std::filesystem::create_directories(path.parent_path());
  write_atomically(path, content);
}

}  // namespace

TEST_CASE("sources: what was read is remembered as sha256sum would have it") {
  const TemporaryFolder folder;
  write(folder / "raw/inner/part/b", "2");
  write(folder / "raw/inner/part/a", "1");
  SourceReader sources = SourceReader::find(folder / "raw", {"inner", "."}, "part", "a corpus");
  std::string seen;
  sources.read_folder("part", [&](const std::string& name, const std::string& content) { seen += name + content; });
  CHECK(seen == "a1b2");
  CHECK(sources.read("part/a") == "1");
  REQUIRE(sources.sources().size() == 2);
  const Source& part = sources.sources()[0];
  CHECK(part.path == "part/");
  CHECK(part.files == 2);
  CHECK(part.bytes == 2);
  CHECK(part.sha256 == sha256(sha256("1") + "  a\n" + sha256("2") + "  b\n"));
  CHECK(sources.sources()[1].sha256 == sha256("1"));
  CHECK(checksum_of({sources.sources()[1]}) == sha256("1"));
  CHECK(checksum_of(sources.sources()) == sha256(part.sha256 + "  part/\n" + sha256("1") + "  part/a\n"));
  CHECK_HAS(input_error([&] { SourceReader::find(folder / "raw", {"inner"}, "none", "a corpus"); }),
            "does not hold a corpus");
  CHECK_HAS(input_error([&] { sources.read_folder("none", [](const auto&, const auto&) {}); }), "has no files");
}
