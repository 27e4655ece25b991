#include "engine/io/file_name.h"

#include <doctest/doctest.h>

namespace notnot {
namespace {

TEST_CASE("letters and digits of any script stay, all else becomes single hyphens") {
  CHECK(plain_file_name("sst") == "sst");
  CHECK(plain_file_name("Größe 10/11") == "Größe-10-11");
  CHECK(plain_file_name("данные_2024.v1") == "данные-2024-v1");
  CHECK(plain_file_name("电影") == "电影");
  CHECK(plain_file_name("हिन्दी") == "हिन्दी");  // with its marks
  CHECK(plain_file_name("cafe\u0301") == "cafe\u0301");
  CHECK(plain_file_name("../<a & \"b\">") == "a-b-");
  CHECK(plain_file_name("a\xff\xfe"
                        "b") == "a-b");
  CHECK(plain_file_name("\u2764\uFE0F").empty());
  CHECK(plain_file_name("").empty());
}

TEST_CASE("a long name is cut between characters") {
  std::string umlauts;
  for (int i = 0; i < 200; ++i) umlauts += "ä";
  CHECK(plain_file_name(umlauts) == umlauts.substr(0, 100));
  CHECK(plain_file_name("x" + umlauts) == "x" + umlauts.substr(0, 98));
}

TEST_CASE("names that a file system may take for one have the same key") {
  CHECK(file_name_key("Sst") == file_name_key("sST"));
  CHECK(file_name_key("GRÖSSE") == file_name_key("größe"));
  CHECK(file_name_key("caf\u00E9") == file_name_key("CAFE\u0301"));
  CHECK(file_name_key("a") != file_name_key("ä"));
  CHECK(file_name_key("a-2") != file_name_key("a"));
}

}  // namespace
}  // namespace notnot
