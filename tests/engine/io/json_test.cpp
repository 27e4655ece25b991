// JSON of any origin: what is no value, and how deep and how large it may be.
#include "engine/io/json.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <string>

#include "engine/io/files.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

using namespace notnot;

namespace {

std::string nested(int depth, char open, char close) {
  const bool object = open == '{';
  std::string text;
  for (int i = 0; i < depth; ++i) text.append(1, open).append(object ? "\"a\":" : "");
  return text + "1" + std::string(depth, close);
}

}  // namespace

TEST_CASE("json: every kind of value comes as the library's own parser reads it") {
  for (const char* text : {"null", "true", "-7", "18446744073709551615", "2.5e-3", "\"a \\u00e9 \\\" ]\"", "[]", "{}",
                           R"([1, [2, {"b": [3, {}]}], "x"])", R"({"b": {"c": [null, false]}, "a": 1})"}) {
    CAPTURE(std::string(text));
    const ParsedJson parsed = parse_json(text);
    CHECK(parsed.fault.empty());
    CHECK(parsed.value == nlohmann::json::parse(text));
  }
}

TEST_CASE("json: lists and objects stand in each other a hundred deep, and no deeper") {
  for (const char open : {'[', '{'}) {
    const char close = open == '[' ? ']' : '}';
    CHECK(parse_json(nested(100, open, close)).fault.empty());
    CHECK_HAS(parse_json(nested(101, open, close)).fault, "nested too deep (more than 100)");
    CHECK_HAS(parse_json(std::string(1'000'000, open)).fault, "nested");
  }
  CHECK(parse_json("\"" + std::string(200, '[') + "\"").fault.empty());
  CHECK(parse_json("[\"\\\"" + std::string(200, '[') + "\"]").fault.empty());
  CHECK(parse_json("[\"\\\\\", " + nested(99, '[', ']') + "]").fault.empty());
  CHECK_HAS(parse_json("[\"\\\\\", " + nested(100, '[', ']') + "]").fault, "nested too deep");
}

TEST_CASE("json: a fault is told with its reason and its column") {
  const auto fault = [](std::string_view text) { return parse_json(text).fault; };
  CHECK(fault(R"({"a": "\ud83d b"})") ==
        "not a JSON object: \\ud83d is half of a character (column 8); write both halves, or the character");
  CHECK_HAS(fault("{\"a\": \"b\tc\"}"), "a control character (0x09) as it is (column 9); write it as \\u0009");
  CHECK_HAS(fault("{\"a\": \"surrogate\t\"}"), "a control character (0x09)");
  CHECK_HAS(fault(R"({"a": "\ude00"})"), "\\ude00 is half of a character (column 8)");
  CHECK_HAS(fault(R"({"a": "\ud83d\u0041"})"), "\\ud83d is half of a character (column 8)");
  CHECK_HAS(fault(R"({"a": 1,})"), "a comma before the } (column 9)");
  CHECK_HAS(fault(R"({"a": [1, ]})"), "a comma before the ] (column 11)");
  CHECK_HAS(fault("{'a': 1}"), "a single quote (column 2); JSON has double quotes (in Python: json.dumps)");
  CHECK_HAS(fault("{\"\u00E9\u00E9\": 'a'}"), "a single quote (column 8)");
  for (const char* cut : {R"({"a": "b)", R"({"a": )", R"({"a": 1)", R"({"a)", R"([{"a": 1},)", R"({"a": "b\u00)", "{"})
    CHECK_HAS(fault(cut), "not a JSON object: it ends too soon; the file seems to be cut");
  CHECK_HAS(fault(R"({"a" 1})"), "what stands in column 6 is wrong");
  CHECK_HAS(fault(R"({"a": 1} x)"), "what stands in column 10 is wrong");
  CHECK_HAS(fault("{\"a\": 1,\n\n \"b\" 2}"), "what stands in column 6 is wrong");
  for (const char* prose : {"a film", "", "text,label"}) CHECK(fault(prose) == "not a JSON object");
}

TEST_CASE("json: a file is an object, and its fault is told with file and line") {
  const TemporaryFolder folder;
  const auto path = folder / "a.json";
  const auto complaint = [&](const std::string& content) {
    write_atomically(path, content);
    return input_error([&] { (void)read_json_object(path, "write it again"); });
  };
  CHECK(complaint("{\"a\": 1}") == "no InputError was thrown");
  CHECK(complaint("{\n\"a\": 1,\n}") ==
        path.string() + " is damaged: line 3: not a JSON object: a comma before the } (column 1); write it again");
  CHECK_HAS(complaint("{\n\n\"a\": " + nested(100, '[', ']') + "}"),
            "line 3: its lists and objects are nested too deep");
  CHECK_HAS(complaint("[1]"), "not a JSON object");
  CHECK_HAS(complaint("{\"a\": 1, \"a\": 2}"), "\"a\" stands twice");
  CHECK_HAS(complaint(""), "not a JSON object");
  std::filesystem::resize_file(path, (size_t{64} << 20) + 1);
  CHECK_HAS(input_error([&] { (void)read_json_object(path, "write it again"); }), "64 MiB are too many");
  std::filesystem::remove(path);
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK_HAS(input_error([&] { (void)read_json_object(path, "write it again"); }), "it is a pipe");
}
