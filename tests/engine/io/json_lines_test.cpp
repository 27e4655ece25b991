// JSON lines: every line of a file with its place, and the bytes of the lines that are written.
#include "engine/io/json_lines.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/io/files.h"
#include "kernels/base/error.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

using namespace notnot;
using Form = JsonLine::Form;

namespace {

struct Place {
  std::string text;
  int64_t line, record;
  uint64_t offset;
  bool operator==(const Place&) const = default;
};

std::vector<Place> places(JsonLinesReader&& reader) {
  std::vector<Place> result;
  while (reader.next()) result.push_back({std::string(reader.text()), reader.line(), reader.record(), reader.offset()});
  return result;
}

}  // namespace

TEST_CASE("json lines: a file and a text in memory give the same lines with their places") {
  const TemporaryFolder folder;
  const auto both = [&](const std::string& content) {
    write_atomically(folder / "a.jsonl", content);
    auto from_file = places(JsonLinesReader(folder / "a.jsonl"));
    CHECK(places(JsonLinesReader("a", content)) == from_file);
    return from_file;
  };
  CHECK(both("").empty());
  CHECK(both("\n \t\r\n").empty());
  CHECK(both("{}\n\n{\"a\":1}\r\n \n[2]") ==
        std::vector<Place>{{"{}", 1, 1, 0}, {"{\"a\":1}\r", 3, 2, 4}, {"[2]", 5, 3, 15}});
  CHECK(both("\xEF\xBB\xBF{}\n{}") == std::vector<Place>{{"{}", 1, 1, 3}, {"{}", 2, 2, 6}});
  CHECK(both("{}\n\xEF\xBB\xBF{}")[1] == Place{"{}", 2, 2, 6});  // two files that were put together
}

TEST_CASE("json lines: an object is told from anything else") {
  CHECK(json_object("{\"a\": [1, 2]} \r")->at("a").size() == 2);
  CHECK(json_object("{}")->empty());
  for (const char* text : {"", "{", "[1]", "1", "null", "{} {}", "{\"a\": NaN}", "{\"a\": \"\xFF\"}"}) {
    INFO(text);
    CHECK_FALSE(json_object(text).has_value());
  }
  CHECK_FALSE(json_object(std::string(100000, '[')).has_value());
}

TEST_CASE("json lines: why a text is no object") {
  const auto check = [](std::string_view text, const std::string& fault) {
    CAPTURE(text);
    CHECK(json_fault(text) == fault);
    CHECK(json_object(text).has_value() == fault.empty());
  };
  check("{\"a\": [1, 2], \"b\": {\"a\": 1}} \r", "");
  check("{\"NaN\": \"1e999 Infinity\"}", "");
  check("{\"a\": 1e308}", "");
  check("[1]", "not a JSON object");
  check("a film", "not a JSON object");
  check("{\"a\": 1} x", "not a JSON object: what stands in column 10 is wrong");
  check("{\"a\": [1e999]}", "the number '1e999' is too large");
  check("{\"a\": -1e400}", "the number '-1e400' is too large");
  check("{\"a\": [1, NaN]}", "NaN is no number in JSON");
  check("{\"a\": nan}", "nan is no number in JSON");
  check("{\"a\": -Infinity}", "Infinity is no number in JSON");
  check("{\"a\": -inf}", "inf is no number in JSON");
  check("{\"a\": None}", "not a JSON object: what stands in column 7 is wrong");
  check("{\"a\": \"\xFF\"}", "byte 8 of it is not UTF-8");
  check({"{}\0", 3}, "byte 3 of it is NUL");
  check({"{\"a\": 1}\0{\"a\": 2}", 17}, "byte 9 of it is NUL");
  check("{\"a\": 1, \"b\": 2, \"a\": 1}", "\"a\" stands twice in one object");
  check("{\"a\": {\"b\": 1, \"b\": 2}}", "\"b\" stands twice in one object");
  check("{\"a\": [{\"b\": 1}, {\"b\": 2}], \"c\": {\"a\": 3}, \"b\": 4}", "");  // each once in its object
  CHECK(json_fault("{\"a\": 1" + std::string(400, '0') + "}").size() < 100);    // the number is shortened
}

TEST_CASE("json lines: whole numbers, however they are written") {
  const auto digits = [](const char* text) { return whole_number(nlohmann::json::parse(text)).value_or("none"); };
  CHECK(digits("17") == "17");
  CHECK(digits("-17") == "-17");
  CHECK(digits("17.0") == "17");
  CHECK(digits("1.7e1") == "17");
  CHECK(digits("-0.0") == "0");
  CHECK(digits("18446744073709551615") == "18446744073709551615");
  CHECK(digits("9007199254740992.0") == "9007199254740992");
  for (const char* text :
       {"1.5", "1e300", "9007199254740994.0", "123456789012345678901", "true", "\"17\"", "null", "[17]"}) {
    CAPTURE(text);
    CHECK(digits(text) == "none");
  }
}

TEST_CASE("json lines: errors name the file and the line") {
  JsonLinesReader reader("own.jsonl", "{}\n\n{}\n");
  reader.next();
  reader.next();
  CHECK(input_error([&] { reader.fail("x"); }) == "own.jsonl, line 3: x");
  CHECK_FALSE(reader.next());
  CHECK(reader.line() == 3);
  const TemporaryFolder folder;
  CHECK(input_error([&] { JsonLinesReader(folder / "none"); }) ==
        fmt::format("cannot read {}/none: No such file or directory; check that the path is right",
                    folder.path().string()));
  CHECK(input_error([&] { places(JsonLinesReader(folder.path())); }) ==
        fmt::format("cannot read {}: Is a directory; check the path and the disk", folder.path().string()));
}

TEST_CASE("json line: members in their order, in both forms") {
  const std::vector<std::string_view> words = {"a", "\"film\"", "caf\xC3\xA9"};
  const std::vector<double> weights = {0.25, 1, 1e-12};
  const auto line = [&](Form form) {
    return JsonLine(form)
        .add("id", int64_t{17})
        .add("label", 1)
        .add("probability", 0.1F)
        .add("split", "train")
        .add("tokens", words)
        .add("attention", weights)
        .line();
  };
  CHECK(line(Form::spaced) ==
        "{\"id\": 17, \"label\": 1, \"probability\": 0.100000001, \"split\": \"train\", "
        "\"tokens\": [\"a\", \"\\\"film\\\"\", \"caf\xC3\xA9\"], \"attention\": [0.25, 1, 1e-12]}\n");
  CHECK(line(Form::compact) ==
        "{\"id\":17,\"label\":1,\"probability\":0.100000001,\"split\":\"train\","
        "\"tokens\":[\"a\",\"\\\"film\\\"\",\"caf\xC3\xA9\"],\"attention\":[0.25,1,1e-12]}\n");
  CHECK(JsonLine(Form::spaced).line() == "{}\n");
  CHECK(JsonLine(Form::spaced).add("a", std::vector<double>{}).line() == "{\"a\": []}\n");
  CHECK(JsonLine(Form::spaced).add("a", std::vector<int64_t>{0, -7}).add("b", nullptr).line() ==
        "{\"a\": [0, -7], \"b\": null}\n");
  CHECK(JsonLine(Form::compact).add("a", std::vector<int64_t>{0, 7}).line() == "{\"a\":[0,7]}\n");
}

TEST_CASE("json line: bytes that are not UTF-8 are replaced, and control characters are escaped") {
  // JSON allows DEL and U+0080 to U+009F as they are, but a terminal obeys them.
  CHECK(JsonLine(Form::compact).add("\u0080", "\x7F\u009B31m\u009F\u00A0\u00C0").line() ==
        "{\"\\u0080\":\"\\u007f\\u009b31m\\u009f\u00A0\u00C0\"}\n");
  CHECK(JsonLine(Form::compact).add("a", "b\xFF\n\x01").line() == "{\"a\":\"b\xEF\xBF\xBD\\n\\u0001\"}\n");
  CHECK(JsonLine(Form::compact).add("a\xFF", std::vector<std::string_view>{"\xC3"}).line() ==
        "{\"a\xEF\xBF\xBD\":[\"\xEF\xBF\xBD\"]}\n");
}

TEST_CASE("json line: 9 digits give every float back, and no line has a number that JSON lacks") {
  for (const float value : {0.0F, 1.0F, -1.0F / 3, 0.1F, 16777217.0F, 1e-45F, 1.17549435e-38F, 3.40282347e38F}) {
    const std::string line = JsonLine(Form::spaced).add("a", value).line();
    CHECK(line == fmt::format("{{\"a\": {:.9g}}}\n", value));
    CHECK(json_object(line)->at("a").get<float>() == value);
  }
  for (const double value : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    CHECK_THROWS_AS(JsonLine(Form::spaced).add("a", value), Error);
    CHECK_THROWS_AS(JsonLine(Form::spaced).add("a", std::vector<double>{value}), Error);
  }
}
