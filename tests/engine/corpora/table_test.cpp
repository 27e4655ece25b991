// The user's own tables: what they may hold, and what is said about wrong ones.
#include "engine/corpora/table.h"

#include <doctest/doctest.h>

#include <array>
#include <iterator>
#include <string>
#include <vector>

#include "engine/io/checksum.h"
#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "engine/io/text.h"
#include "engine/math/random.h"
#include "tests/support/input_error.h"
#include "tests/support/small_csv.h"
#include "tests/support/temporary_folder.h"

using namespace notnot;

namespace {

std::string csv_error(std::string_view content) {
  return input_error([&] { parse_csv(content, "own.csv"); });
}

std::string table_error(const std::string& content, TableFormat format, const TableOptions& options = {}) {
  return input_error([&] { parse_table(content, "own", format, options); });
}

}  // namespace

TEST_CASE("csv: records, columns in any order, further columns ignored") {
  const auto texts = parse_csv(
      "id,exp_split,text,label\n"
      "7,train,\"Good, \"\"really\"\"\n GOOD\",1\n"
      "8,dev,plain,0\n"
      "\n"
      "9,test, \xC3\x89tat\xC2\xA0moderne ,0",
      "own.csv");
  REQUIRE(texts.size() == 3);
  CHECK(texts[0].words == "good, \"really\" good");
  CHECK(texts[0].label == 1);
  CHECK(texts[0].split == SplitName::train);
  CHECK(texts[0].row == 1);
  CHECK(texts[1].split == SplitName::dev);
  CHECK(texts[1].label == 0);
  CHECK(texts[2].words == "\xC3\xA9tat moderne");
  CHECK(texts[2].split == SplitName::test);
  CHECK(texts[2].row == 3);
}

TEST_CASE("csv: a byte order mark, CRLF, and other names of the dev split") {
  const auto texts =
      parse_csv("\xEF\xBB\xBFtext,label,split\r\na b,1,val\r\nc,0,valid\r\nd,1,validation\r\n", "own.csv");
  REQUIRE(texts.size() == 3);
  for (const LabelledText& text : texts) CHECK(text.split == SplitName::dev);
  CHECK(texts[0].words == "a b");
}

TEST_CASE("csv: messages say what is wrong, where, and what to do") {
  const std::string header = "text,label,split\n";
  CHECK_HAS(csv_error(""), "own.csv: the file is empty");
  CHECK_HAS(csv_error("\n\n"), "own.csv: the file is empty");
  CHECK_HAS(csv_error(header), "no record after the header");
  CHECK_HAS(csv_error("text,split\na,train\n"), "own.csv, header (line 1): there is no column 'label'");
  CHECK_HAS(csv_error("text,label,split,text\n"), "2 columns are called 'text'");
  CHECK_HAS(csv_error("Text,label,split,TEXT\n"), "2 columns are called 'text'");
  CHECK_HAS(csv_error("text,label,split,exp_split\n"), "2 columns are called 'split' or 'exp_split'");
  CHECK_HAS(csv_error(header + "a,1,train\n\nb,1,training\n"), "own.csv, record 2 (line 4): split 'training'");
  CHECK_HAS(csv_error(header + "\"a\n\nb\",1,train\nc,2,dev\n"), "own.csv, record 2 (line 5): label '2'");
  CHECK_HAS(csv_error(header + "a,,dev\n"), "label ''");
  CHECK_HAS(csv_error(header + "a,1,Train\n"), "split 'Train'");
  CHECK_HAS(csv_error(header + "a, with a comma,1,train\n"), "record 1 (line 2): 4 fields where the header has 3");
  CHECK_HAS(csv_error(header + "a,1\n"), "2 fields where the header has 3; give it all fields, or remove it");
  CHECK_HAS(csv_error(header + "a,1,train\n\" \xC2\xA0\",1,train\n"), "record 2 (line 3): the text has no word");
}

TEST_CASE("csv: bytes that are no text are named by their place") {
  CHECK_HAS(csv_error("text,label,split\na,1,train\nb\xE9,1,dev\n"),
            "own.csv, record 2 (line 3): byte 28 of the file (0xE9) is not UTF-8");
  CHECK_HAS(csv_error("\xFF\xFEt"), "own.csv, header (line 1): byte 0 of the file (0xFF) is not UTF-8");
  CHECK_HAS(csv_error(std::string("text,label,split\na\0,1,train\n", 28)),
            "record 1 (line 2): byte 18 of the file is NUL");
}

TEST_CASE("csv: unbalanced quotes are errors, named by where their record starts") {
  CHECK_HAS(csv_error("text,label,split\na,1,train\n\"b,1,train\nc,1,train\n"),
            "record 2 (line 3): a double quote is never closed");
  CHECK_HAS(csv_error("text,label,split\n\"a\" b,1,train\n"),
            "record 1 (line 2): a double quote in the wrong place on line 2");
  CHECK_HAS(csv_error("text,label,split\na 5\" disk,1,train\n"), "a double quote in the wrong place");
}

TEST_CASE("csv: records that two quotes swallow are named, line breaks in quotes are no matter") {
  const auto warnings = [](const std::string& csv, const TableOptions& options = {}) {
    return parse_table(csv, "own.csv", TableFormat::csv, options).warnings;
  };
  const std::string header = "text,label,split\n";
  const std::string swallowed = "\"b,1,train\nc,0,dev\nd\",0,train\n";
  REQUIRE(warnings(header + "a,1,train\n" + swallowed).size() == 1);
  CHECK_HAS(warnings(header + "a,1,train\n" + swallowed)[0],
            "1 records have a line in quotes that looks like a record of its own, the first is record 2");
  CHECK_HAS(warnings(header + "a,1,train\n" + swallowed + swallowed)[0], "2 records");
  CHECK(warnings("label,split,text\n1,train,\"b\n0,dev,c\"\n").size() == 1);  // the text may stand last
  const TableOptions named{.labels = {"neg", "pos"}, .needs_split = false};
  CHECK(warnings("text,label\n\"b,pos\nd\",neg\n", named).size() == 1);
  // Where fields stand before the text, its first and its last line are records only together with them.
  CHECK(warnings("id,text,label,split\n1,\"b c,1,train\n2,d\",0,train\n").size() == 1);
  CHECK(warnings("label,text,split\n1,\"b c,train\n0,d\",train\n").size() == 1);
  CHECK(warnings("label,text,note\n1,\"b c,x\n0,d\",y\n", {.needs_split = false}).size() == 1);
  CHECK(warnings("id,text,label,split\n1,\"b, c\nd\",0,train\n").empty());
  CHECK(warnings("label,text,split\n1,\"b, c\n0,5 d\",train\n").empty());
  CHECK(warnings("label,text,split\n1,\"b\n0,5 d\",train\n").empty());
  CHECK(warnings("label,text,note\n1,\"b, c\nd\",y\n", {.needs_split = false}).empty());
  CHECK(warnings("label,split,text\n1,train,\"b\nc\"\n").empty());
  for (const char* text : {"b\nc", "b, 1\nc", "b,2,train\nc", "b,1,other\nc", "b,1,train,c\nd", "b,1,train"}) {
    CAPTURE(text);
    CHECK(warnings(fmt::format("{}\"{}\",1,train\n", header, text)).empty());
  }
}

TEST_CASE("csv: blanks around names, labels and splits are no matter, ids keep theirs") {
  const auto texts = parse_csv(" id , text,label , split\n a ,b,\t1, train \na , c , \"0\" ,\" dev\"\n", "own");
  REQUIRE(texts.size() == 2);
  CHECK(texts[0].id == " a ");
  CHECK(texts[0].label == 1);
  CHECK(texts[1].id == "a ");
  CHECK(texts[1].words == "c");
  CHECK(texts[1].split == SplitName::dev);
  // A label that is named with a blank is another one than that without.
  const TableOptions named{.labels = {"a", "a "}, .needs_split = false};
  CHECK(parse_table("text,label\nb,a \n", "own", TableFormat::csv, named).texts[0].label == 1);
  CHECK(parse_table("text,label\nb, a\n", "own", TableFormat::csv, named).texts[0].label == 0);
}

TEST_CASE("csv: files") {
  const TemporaryFolder folder;
  write_atomically(folder / "own.csv", kSmallCsv);
  CHECK(read_table(folder / "own.csv").texts.size() == 5);
  CHECK_HAS(input_error([&] { read_table(folder / "none.csv"); }), "none.csv");
  CHECK_HAS(input_error([&] { read_table(folder.path()); }), folder.path().string());
  write_atomically(folder / "bad.csv", "text\n");
  CHECK_HAS(input_error([&] { read_table(folder / "bad.csv"); }), (folder / "bad.csv").string() + ", header (line 1)");
}

TEST_CASE("csv: any mutation of a valid file is read or refused") {
  const std::string valid =
      std::string(kSmallCsv) + "\"quoted, \"\"text\"\"\nin two lines\",1,train\n\xC3\xA9,0,dev\r\n";
  using namespace std::string_view_literals;
  constexpr std::string_view kNasty = "\"\",\n\r\0\xFF\xC3 01a"sv;
  int read = 0;
  int refused = 0;
  for (uint32_t round = 0; round < 20000; ++round) {
    const Random random(1, Purpose::test_data, round);
    std::string content = valid;
    const int64_t edits = random.integer(0, 1, 4);
    for (int64_t edit = 0; edit < edits; ++edit) {
      const uint64_t draw = 1 + 4 * edit;
      const size_t place = random.integer(draw, 0, content.size() - 1);
      const size_t length = random.integer(draw + 1, 0, 10);
      const char byte = kNasty[random.integer(draw + 2, 0, kNasty.size() - 1)];
      switch (random.integer(draw + 3, 0, 3)) {
        case 0:
          content[place] = byte;
          break;
        case 1:
          content.insert(place, 1, byte);
          break;
        case 2:
          content.erase(place, length);
          break;
        default:
          content.insert(place, content.substr(content.size() - place, length));
      }
      if (content.empty()) break;
    }
    try {
      const auto texts = parse_csv(content, "own.csv");
      ++read;
      REQUIRE_FALSE(texts.empty());
      for (const LabelledText& text : texts) REQUIRE_FALSE(text.words.empty());
    } catch (const InputError& error) {
      ++refused;
      REQUIRE(std::string(error.what()).find("own.csv") != std::string::npos);
      REQUIRE_FALSE(first_invalid_utf8(error.what()).has_value());
    }
  }
  CHECK(read > 1000);
  CHECK(refused > 1000);
}

TEST_CASE("table: TSV and JSON lines say what CSV says") {
  const auto csv =
      parse_table("id,text,label,split\nx,\"A  \"\"b\"\"\",1,train\ny,c,0,test\n", "own", TableFormat::csv);
  const auto tsv = parse_table("split\ttext\tid\tlabel\r\ntrain\t\"A  \"\"b\"\"\"\tx\t1\r\ntest\tc\ty\t0\r\n", "own",
                               TableFormat::tsv);
  const auto json = parse_table(
      "\xEF\xBB\xBF{\"text\": \"A  \\\"b\\\"\", \"label\": 1, \"split\": \"train\", \"id\": \"x\", \"more\": [{}]}\n\n"
      "{\"label\": false, \"exp_split\": \"test\", \"id\": \"y\", \"text\": \"c\"}",
      "own", TableFormat::json_lines);
  for (const Table& table : {tsv, json}) {
    REQUIRE(table.texts.size() == 2);
    CHECK(table.has_split);
    CHECK(table.texts[0].words == "a \"b\"");
    CHECK(table.texts[0].label == 1);
    CHECK(table.texts[0].id == "x");
    CHECK(table.texts[1].split == SplitName::test);
    CHECK(table.texts[1].row == 2);
  }
  CHECK(csv.texts[1].id == "y");
}

TEST_CASE("table: the form by content where that is certain, otherwise by name, otherwise by the first line") {
  CHECK(table_format("a/B.TSV", "text,label") == TableFormat::tsv);
  CHECK(table_format("a.tab", "") == TableFormat::tsv);
  CHECK(table_format("a.tsv.gz", "") == TableFormat::tsv);
  CHECK(table_format("a.jsonl", "text,label") == TableFormat::json_lines);
  for (const char* name : {"a.ndjson", "a.json", "a.json.gz"})
    CHECK(table_format(name, "[") == TableFormat::json_lines);
  for (const char* name : {"a.csv", "a.CSV.GZ"}) CHECK(table_format(name, "text\tlabel\n") == TableFormat::csv);
  for (const char* name : {"a", "a.txt", "/dev/stdin"}) {
    CHECK(table_format(name, "text,label\na\tb,1\n") == TableFormat::csv);
    CHECK(table_format(name, "\xEF\xBB\xBFtext\tlabel\r\na\t1\r\n") == TableFormat::tsv);
    CHECK(table_format(name, "") == TableFormat::csv);
  }
  for (const char* name : {"a.csv", "a.tsv", "a.json", "a"})
    CHECK(table_format(name, "\xEF\xBB\xBF\n {\"text\": \"a\"}") == TableFormat::json_lines);
  for (const char* name : {"a.csv", "list.txt", "/dev/stdin"}) {
    CHECK(table_format(name, "[{\"text\": \"a\"}]") == TableFormat::json_lines);
    CHECK(table_format(name, " [\n  {\"text\": \"a\"}]") == TableFormat::json_lines);
    CHECK(table_format(name, "[id],text,label,split\n") == TableFormat::csv);
  }
  CHECK(table_name("x/films.csv") == "films");
  CHECK(table_name("films.v2.tsv.GZ") == "films.v2");
  CHECK(table_name("/dev/stdin") == "stdin");
  CHECK(table_name("x/.hidden.csv") == "hidden");
  CHECK(table_name(".csv") == "csv");
  // No data set may be the folder of all data sets, or the one above it.
  for (const char* name : {"..csv", "...csv", "x/....csv", ".", "..", ""}) {
    CAPTURE(name);
    CHECK_HAS(input_error([&] { table_name(name); }), "nothing that could name a data set");
  }
  for (const char* name : {"a\nb.csv", "\x1b[2J.csv", "\u0085.csv"}) {
    CHECK_HAS(input_error([&] { table_name(name); }), "has control characters, and cannot name a data set");
  }
  CHECK(table_name("caf\xE9.csv") == "caf\uFFFD");  // the name stands in config.json, which is UTF-8
}

TEST_CASE("table: a file without splits, and labels by name") {
  const TableOptions options{.labels = {"neg", "pos"}, .lossy = false, .needs_split = false};
  const Table table = parse_table("text,label\na,pos\nb,neg\n", "own", TableFormat::csv, options);
  CHECK_FALSE(table.has_split);
  CHECK(table.texts[0].label == 1);
  CHECK(table.texts[1].label == 0);
  CHECK_FALSE(parse_table("{\"text\":\"a\",\"label\":\"pos\"}", "own", TableFormat::json_lines, options).has_split);
  CHECK_HAS(table_error("text,label\na,other\n", TableFormat::csv, options),
            "own, record 1 (line 2): label 'other' is neither 'neg' nor 'pos'");
  CHECK_HAS(table_error("text,label,split\na,pos,train\n", TableFormat::csv), "--labels NEG,POS");
  CHECK_HAS(table_error("{\"text\":\"a\",\"label\":\"pos\"}\n{\"text\":\"a\",\"label\":\"pos\",\"split\":\"dev\"}",
                        TableFormat::json_lines, options),
            "own, record 2 (line 2): some records have a 'split'");
}

TEST_CASE("table: bad bytes are named, or replaced on request") {
  const std::string csv("text,label,split\n\"a\n\xFF\",1,train\n", 31);
  CHECK_HAS(table_error(csv, TableFormat::csv), "own, record 1 (line 2): byte 20 of the file (0xFF) is not UTF-8");
  CHECK(parse_table(csv, "own", TableFormat::csv, {.lossy = true}).texts[0].words == "a \xEF\xBF\xBD");
  const std::string json = "{\"text\":\"a \xFF\",\"label\":1,\"split\":\"dev\"}\n";
  CHECK_HAS(table_error(json, TableFormat::json_lines), "own, record 1 (line 1): byte 11 of the file (0xFF)");
  CHECK(parse_table(json, "own", TableFormat::json_lines, {.lossy = true}).texts[0].words == "a \xEF\xBF\xBD");
  const std::string nul = R"({"text":"a\u0000b","label":1,"split":"dev"})";
  CHECK_HAS(table_error(nul, TableFormat::json_lines), "NUL");
  CHECK(parse_table(nul, "own", TableFormat::json_lines, {.lossy = true}).texts[0].words ==
        "a\xEF\xBF\xBD"
        "b");
  CHECK_HAS(table_error(std::string("text,label,split\na\0,1,dev\n", 26), TableFormat::csv),
            "byte 18 of the file is NUL");
}

TEST_CASE("table: messages about JSON lines and ids") {
  const auto json = [](const std::string& content) { return table_error(content, TableFormat::json_lines); };
  CHECK_HAS(json(""), "there is no text");
  CHECK_HAS(json("{\"text\": \"a\""), "own, record 1 (line 1): not a JSON object");
  CHECK_HAS(json("\n[1]"), "own, record 1 (line 2): not a JSON object");
  CHECK_HAS(json("{\"text\": \"a\nb\"}"), "it ends too soon; the file seems to be cut, or a text has a line end");
  CHECK_HAS(json("{\"text\": \"a\", \"label\": 1,}"),
            "own, record 1 (line 1): not a JSON object: a comma before the } (column 26); every line must be like");
  CHECK_HAS(json("{\"label\":1,\"split\":\"dev\"}"), "there is no 'text'");
  CHECK_HAS(json("{\"text\":\"a\",\"label\":1}"), "there is no 'split'");
  CHECK_HAS(json(R"({"text":"a","label":1,"split":"dev","exp_split":"test"})"), "both 'split' and 'exp_split'");
  CHECK_HAS(json("{\"text\":\"a\",\"label\":0.5,\"split\":\"dev\"}"), "'label' is neither a string nor a whole number");
  CHECK_HAS(json("{\"text\":\"a\",\"label\":2,\"split\":\"dev\"}"), "label '2' is neither 0 nor 1");
  CHECK_HAS(json("{\"text\":\" \",\"label\":1,\"split\":\"dev\"}"), "no word");
  CHECK_HAS(json(std::string(100000, '[')), "nested too deep (more than 100)");
  CHECK_HAS(json(R"({"text":"a","label":1,"label":0,"split":"dev"})"),
            "own, record 1 (line 1): \"label\" stands twice in one object; every line must be like {\"text\"");
  for (const char* id : {"1.5", "true", "[]", "123456789012345678901234"}) {
    CAPTURE(id);
    CHECK_HAS(json(fmt::format(R"({{"text":"a","label":1,"split":"dev","id":{}}})", id)),
              "own, record 1 (line 1): 'id' is neither a string nor a whole number");
  }
}

TEST_CASE("table: ids are kept as they stand; texts may have none, and share one") {
  const auto ids = [](const Table& table) {
    std::vector<std::string> result;
    for (const LabelledText& text : table.texts) result.push_back(text.id);
    return result;
  };
  CHECK(ids(parse_table("id,text,label,split\n7,a,1,dev\n\" x,\"\"\n\",b,1,dev\n,c,0,dev\n7,d,0,dev\n7,e,0,test\n",
                        "own", TableFormat::csv)) == std::vector<std::string>{"7", " x,\"\n", "", "7", "7"});
  CHECK(ids(parse_table("{\"text\":\"a\",\"label\":1,\"split\":\"dev\",\"id\":\"caf\xC3\xA9/01\"}\n"
                        "{\"text\":\"a\",\"label\":1,\"split\":\"dev\",\"id\":17}\n"
                        "{\"text\":\"a\",\"label\":1,\"split\":\"dev\",\"id\":17.0}\n"
                        "{\"text\":\"a\",\"label\":1,\"split\":\"dev\",\"id\":null}\n"
                        "{\"text\":\"a\",\"label\":1,\"split\":\"dev\"}\n",
                        "own", TableFormat::json_lines)) ==
        std::vector<std::string>{"caf\xC3\xA9/01", "17", "17", "", ""});
}

TEST_CASE("table: a group is named by the row of its first text; a text without one stands alone") {
  const auto groups = [](const Table& table) {
    std::vector<int64_t> result;
    for (const LabelledText& text : table.texts) result.push_back(text.group);
    return result;
  };
  CHECK(groups(parse_table("text,label,split,Group\na,1,dev,\nb,1,dev,p 7\nc,0,test,q\nd,0,dev, p 7 \ne,0,dev,\"\"\n",
                           "own", TableFormat::csv)) == std::vector<int64_t>{0, 2, 3, 2, 0});
  CHECK(groups(parse_table("{\"text\":\"a\",\"label\":1,\"split\":\"dev\",\"group\":17}\n"
                           "{\"text\":\"a\",\"label\":1,\"split\":\"dev\",\"group\":null}\n"
                           "{\"text\":\"a\",\"label\":1,\"split\":\"dev\"}\n"
                           "{\"text\":\"a\",\"label\":1,\"split\":\"dev\",\"group\":\"17\"}\n",
                           "own", TableFormat::json_lines)) == std::vector<int64_t>{1, 0, 0, 1});
  CHECK(groups(parse_table("text,label,split\na,1,dev\n", "own", TableFormat::csv)) == std::vector<int64_t>{0});
  const Table missing =
      parse_table("text,label,split,group\na,1,dev,NA\nb,1,dev,None\nc,1,dev,p\n", "own", TableFormat::csv);
  CHECK(groups(missing) == std::vector<int64_t>{0, 0, 3});
  REQUIRE(missing.warnings.size() == 1);
  CHECK_HAS(missing.warnings.front(), "2 texts have the group NA, NaN, NULL or None, the first is record 1 ('NA')");
  CHECK_HAS(table_error(R"({"text": "a", "label": 1, "split": "dev", "group": [1]})", TableFormat::json_lines),
            "own, record 1 (line 1): 'group' is neither a string nor a whole number");
  CHECK_HAS(table_error("text,label,split,group,group\na,1,dev,1,2\n", TableFormat::csv),
            "2 columns are called 'group'; keep one");
}

TEST_CASE("table: names of columns in any case, where none is exact") {
  const LabelledText csv = parse_table("ID,Text,LABEL,Exp_Split\n7,a,1,dev\n", "own", TableFormat::csv).texts[0];
  const LabelledText json =
      parse_table(R"({"Id": 7, "TEXT": "a", "Label": 1, "Split": "dev"})", "own", TableFormat::json_lines).texts[0];
  for (const LabelledText& text : {csv, json}) {
    CHECK(text.id == "7");
    CHECK(text.words == "a");
    CHECK(text.label == 1);
    CHECK(text.split == SplitName::dev);
  }
  CHECK(parse_table("Text,text,label,split\nb,a,1,dev\n", "own", TableFormat::csv).texts[0].words == "a");
  CHECK(parse_table(R"({"Text": "b", "text": "a", "label": 1, "split": "dev"})", "own", TableFormat::json_lines)
            .texts[0]
            .words == "a");
  CHECK_HAS(
      table_error(R"({"text": "a", "Label": 1, "LABEL": 0, "split": "dev"})", TableFormat::json_lines),
      "own, record 1 (line 1): 'LABEL' and 'Label' differ only in upper and lower case; keep one, or call it 'label'");
  CHECK_HAS(table_error(R"({"text": "a", "label": 1, "split": "dev", "Id": 1, "ID": 2})", TableFormat::json_lines),
            "'ID' and 'Id' differ only");
}

TEST_CASE("table: texts that other programs write where there is none") {
  const auto warnings = [](const std::string& csv) {
    return parse_table("text,label,split\n" + csv, "own", TableFormat::csv).warnings;
  };
  for (const char* text : {"NA", "NaN", "nan", "NULL", "None"}) {
    CAPTURE(text);
    const auto found = warnings(fmt::format("a,1,dev\n{},0,dev\n\" {} \",1,dev\n", text, text));
    REQUIRE(found.size() == 1);
    CHECK_HAS(found[0],
              fmt::format("2 texts are NA, NaN, NULL or None and nothing else, the first is record 2 ('{}')", text));
    CHECK_HAS(found[0], "remove these records");
  }
  CHECK(warnings("na,1,dev\nNone of it,1,dev\nnull,0,dev\nN/A,0,dev\n").empty());
  CHECK(parse_table(R"({"text":"NA","label":1,"split":"dev"})", "own", TableFormat::json_lines).warnings.size() == 1);
}

TEST_CASE("table: labels as other programs write them") {
  const auto labels = [](const std::vector<std::string>& fields) {
    std::string csv = "text,label,split\n", json;
    for (const std::string& field : fields) {
      csv += "a," + field + ",dev\n";
      json += R"({"text":"a","label":)" + to_lower(field) + R"(,"split":"dev"})" + "\n";
    }
    std::vector<int32_t> result;
    for (const LabelledText& text : parse_csv(csv, "own")) result.push_back(text.label);
    const auto lines = parse_table(json, "own", TableFormat::json_lines).texts;
    for (size_t i = 0; i < lines.size(); ++i) CHECK(lines[i].label == result[i]);
    return result;
  };
  CHECK(labels({"0", "1", "0.0", "1.0", "1.000"}) == std::vector<int32_t>{0, 1, 0, 1, 1});
  CHECK(labels({"true", "False", "TRUE", "false"}) == std::vector<int32_t>{1, 0, 1, 0});
  for (const char* label : {"2", "1.5", "1.", ".0", "-1", "-1.0", "yes", "1 0", "10", "0x1", "1e0", "truee"}) {
    CHECK_HAS(csv_error(fmt::format("text,label,split\na,{},dev\n", label)),
              fmt::format("label '{}' is neither", label));
  }
  // Named ones exactly, but for the form of whole numbers.
  const auto named = [](const std::string& label, const std::array<std::string, 2>& names) {
    return parse_table("text,label\na," + label + "\n", "own", TableFormat::csv,
                       {.labels = names, .needs_split = false})
        .texts[0]
        .label;
  };
  CHECK(named("2.0", {"1", "2"}) == 1);
  CHECK(named("1", {"1.0", "2.0"}) == 0);
  CHECK(named("True", {"False", "True"}) == 1);
  CHECK_HAS(input_error([&] { named("true", {"False", "True"}); }), "label 'true' is neither 'False' nor 'True'");
  CHECK_HAS(input_error([&] { named("Pos", {"neg", "pos"}); }), "label 'Pos' is neither");
  CHECK(parse_table(R"({"text":"a","label":true})", "own", TableFormat::json_lines,
                    {.labels = {"false", "true"}, .needs_split = false})
            .texts[0]
            .label == 1);
}

TEST_CASE("table: line ends of old programs") {
  for (const char* content : {"text,label,split\ra b,1,train\rc,0,test\r", "text,label,split\ra b,1,train\rc,0,test"}) {
    const auto texts = parse_csv(content, "own");
    REQUIRE(texts.size() == 2);
    CHECK(texts[0].words == "a b");
    CHECK(texts[1].split == SplitName::test);
  }
  CHECK_HAS(csv_error("text,label,split\ra,1,train\rb,2,test\r"), "own.csv, record 2 (line 3): label '2'");
  const std::string json = R"({"text":"a","label":1,"split":"dev"})";
  CHECK(parse_table(json + "\r" + json + "\r", "own", TableFormat::json_lines).texts.size() == 2);
  // Within a line of another file they are blanks; lines that end in both ways are named.
  for (const char* content : {"text,label,split\na\rb,1,train\n", "text,label,split\r\na\r\rb,1,train\r\r\n",
                              "text,label,split\n\"a\rb\",1,train\r"}) {
    const auto texts = parse_csv(content, "own");
    REQUIRE(texts.size() == 1);
    CHECK(texts[0].words == "a b");
  }
  CHECK_HAS(
      csv_error("text,label,split\na,1,train\rb,0,test\n"),
      "record 1 (line 2): 5 fields where the header has 3; put a text with commas between double quotes; the file "
      "has carriage returns within lines, so end every line with LF or CRLF");
  const std::string hint = "; the file has carriage returns within lines, so end every line with LF or CRLF";
  CHECK_HAS(csv_error("text,label,split\ra,1,train\n"), "it names 'text, label, split a, 1, train'" + hint);
  CHECK_HAS(csv_error("text,split,label\ra,train,1\rb,text,0\n"), "2 columns are called 'text'; keep one" + hint);
  CHECK_HAS(table_error("text,label,x\ra,1,y\n", TableFormat::csv, {.needs_split = false}),
            "own: there is no record after the header; add texts" + hint);
}

TEST_CASE("table: byte order marks within files that were put together") {
  const std::string mark = "\xEF\xBB\xBF";
  const auto texts = parse_csv(mark + "text," + mark + "label,split\na,1,train\n" + mark + "\"b, c\"," + mark +
                                   "0,dev\n" + mark + mark + "d" + mark + "e,1,test\n" + mark,
                               "own");
  REQUIRE(texts.size() == 3);
  CHECK(texts[1].words == "b, c");
  CHECK(texts[1].label == 0);
  CHECK(texts[2].words == "de");
  CHECK_HAS(csv_error("text,label,split\na,1,train\n" + mark + "text,label,split\nb,1,train\n"),
            "own.csv, record 2 (line 3): this is the header again, as where files were put together; remove the line");
  const std::string line = R"({"text":"\ufeffa","label":")" + mark + R"(1","split":"dev"})" + "\n";
  const auto lines = parse_table(mark + line + mark + line, "own", TableFormat::json_lines).texts;
  REQUIRE(lines.size() == 2);
  CHECK(lines[1].words == "a");
}

TEST_CASE("table: quotes in TSV are quotes, unless they follow rules") {
  const auto words = [](const std::string& content) {
    std::string all;
    for (const LabelledText& text : parse_table("text\tlabel\tsplit\n" + content, "own", TableFormat::tsv).texts)
      all += text.words + "|";
    return all;
  };
  CHECK(words("\" a lone one\t1\ttrain\nmiddle\t0\ttest\nand another \"\t1\tdev\n") ==
        "\" a lone one|middle|and another \"|");
  CHECK(words("a 5\" disk\t1\ttrain\n") == "a 5\" disk|");
  CHECK(words("\"a \"\"b\"\"\"\t1\ttrain\nc\t0\ttest\n") == "a \"b\"|c|");
  CHECK(words("\"a\tb\nc\"\t1\ttrain\nd\t0\ttest\n") == "a b c|d|");
  CHECK_HAS(table_error("text\tlabel\tsplit\na\tb\t1\ttrain\n", TableFormat::tsv),
            "4 fields where the header has 3; a text must have no tabs");
}

TEST_CASE("table: quotes around the texts of a TSV file that are taken as they stand are told") {
  const auto warnings = [](const std::string& content) {
    return parse_table("text\tlabel\tsplit\n" + content, "own", TableFormat::tsv).warnings;
  };
  const std::string all = "\"a\"\t1\tdev\n\"b\"\t0\tdev\n";
  REQUIRE(warnings("\"a \"b\" c\"\t1\tdev\n" + all).size() == 1);
  CHECK_HAS(warnings("\"a \"b\" c\"\t1\tdev\n" + all)[0], "3 of 3 texts begin and end with a double quote");
  // R's write.table and Spark put a backslash before a quote.
  REQUIRE(warnings("\"a \\\"b\\\" c\"\t1\tdev\nd\t0\tdev\n").size() == 1);
  CHECK_HAS(warnings("d\t0\tdev\n\"a \\\"b\\\" c\"\t1\tdev\n")[0],
            "1 texts that begin with a double quote have \\\" within, the first is record 2");
  CHECK_HAS(warnings("\"a \\\"b\\\" c\"\t1\tdev\n")[0], "qmethod = \"double\"");
  // By the rules they are none of the texts; some texts are quotations.
  CHECK(warnings(all).empty());
  CHECK(warnings("\"a\"\t1\tdev\nb\t0\tdev\n\"c \"d\" e\"\t0\tdev\n").empty());
  CHECK(warnings("\"a\" b\t1\tdev\n\"\t0\tdev\n").empty());
  CHECK(warnings("a \\\" b\t1\tdev\n").empty());
}

TEST_CASE("table: R's row names are known") {
  const std::string row_names = "if the first field is the row's name in R, write the table with row.names = FALSE";
  const std::string csv = csv_error("\"text\",\"label\",\"split\"\n\"1\",\"a\",1,\"train\"\n");
  const std::string tsv = table_error("\"text\"\t\"label\"\t\"split\"\n\"1\"\t\"a\"\t1\t\"train\"\n", TableFormat::tsv);
  for (const std::string& message : {csv, tsv}) {
    CHECK_HAS(message, "record 1 (line 2): 4 fields where the header has 3; ");
    CHECK_HAS(message, row_names);
  }
  for (const char* record : {"a,b,1,train\n", "1,a,b,1,train\n", "1,train\n"}) {
    CAPTURE(record);
    CHECK(csv_error(std::string("text,label,split\n") + record).find("row.names") == std::string::npos);
  }
  // The header has quotes around its names, but some quote breaks the rules.
  CHECK_HAS(table_error("\"text\"\t\"label\"\t\"split\"\n\"a \\\"b\\\"\"\t1\t\"train\"\n", TableFormat::tsv),
            "its names stand between double quotes, but other quotes in the file are not doubled");
}

TEST_CASE("table: a file of another form is named, with the remedy") {
  CHECK_HAS(
      csv_error("text;label;split\na;1;train\n"),
      "own.csv, header (line 1): there is no column 'text'; the first line must be like text,label,split, but it is "
      "'text;label;split', and it has semicolons: save the file with commas");
  CHECK_HAS(csv_error("text\tlabel\tsplit\n"), "it has tabs: name the file .tsv");
  CHECK_HAS(table_error("text,label,split\n", TableFormat::tsv), "it has commas: name the file .csv");
  CHECK_HAS(csv_error("Review,Label\n"), "but it names 'Review, Label'");
  CHECK_HAS(csv_error("<!DOCTYPE html>\n<html>\n"), "this looks like a web page, so download the file again");
  const auto json = [](const std::string& content) { return table_error(content, TableFormat::json_lines); };
  CHECK_HAS(json(R"([{"text": "a", "label": 1}])"),
            "own, record 1 (line 1): not a JSON object; the file is one JSON list");
  CHECK_HAS(json("[\n{\"text\": \"a\"}\n]"), "the file is one JSON list; write each of its objects on a line");
  CHECK_HAS(json("{\n  \"text\": [\"a\"],\n  \"label\": [1]\n}"), "the file is one JSON object over several lines");
  CHECK_HAS(json(R"({"text": {"0": "a"}, "label": {"0": 1}})"), "'text' is an object; write an object for each text");
  CHECK_HAS(json(R"({"text": ["a"], "label": [1]})"), "to_json(orient=\"records\", lines=True)");
  CHECK_HAS(json(R"({"text": ["a", "film"], "label": 1, "split": "dev"})"),
            "own, record 1 (line 1): 'text' is a list; join its words with blanks, as in \"a film\"");
  CHECK_HAS(json(R"({"text": "a film", "label": [1], "split": "dev"})"),
            "'label' is a list; write its one value alone");
  CHECK_HAS(json(R"({"text": "a", "text": "b", "label": 1, "split": "dev"})"), "\"text\" stands twice");
  CHECK_HAS(json(R"({"text": "a", "label": 1e999, "split": "dev"})"), "the number '1e999' is too large");
  CHECK_HAS(json(std::string("{\"text\":\"a\"}\0", 13)), "byte 13 of it is NUL");
  CHECK_HAS(json(R"({"text": null, "label": 1, "split": "dev"})"), "there is no 'text'");
  for (const char* nothing : {"", "\n \n"}) CHECK_HAS(json(nothing), "own: there is no text; add some");
}

TEST_CASE("table: words by Unicode's boundaries on request") {
  const TableOptions options{.cleaning = Cleaning::words};
  CHECK(parse_table("text,label,split\n\"It's good, really.\",1,dev\n", "own", TableFormat::csv, options)
            .texts[0]
            .words == "it's good , really .");
}

TEST_CASE("table: a file is read once, packed or not, and its checksum is that of its bytes") {
  const TemporaryFolder folder;
  // printf 'text,label,split\na,1,train\n' | gzip -n
  const std::string packed(
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x2b\x49\xad\x28\xd1\xc9\x49\x4c\x4a\xcd\xd1\x29\x2e\xc8"
      "\xc9\x2c\xe1\x4a\xd4\x31\xd4\x29\x29\x4a\xcc\xcc\xe3\x02\x00\x60\xab\x2d\x68\x1b\x00\x00\x00",
      47);
  write_atomically(folder / "own.csv.gz", packed);
  const Table table = read_table(folder / "own.csv.gz");
  REQUIRE(table.texts.size() == 1);
  CHECK(table.texts[0].words == "a");
  CHECK(table.checksum == sha256(packed));
  CHECK(table.bytes == std::ssize(packed));
  // The same in UTF-16.
  std::string utf16 = "\xFE\xFF";
  for (const char byte : std::string("text,label,split\nb,0,dev\n")) utf16 += std::string{'\0', byte};
  write_atomically(folder / "own.csv", utf16);
  CHECK(read_table(folder / "own.csv").texts[0].words == "b");
}

namespace {

using Places = std::vector<int32_t>;

/// The rationale of the one text of a CSV file.
Places rationale_of(const std::string& text, const std::string& rationale, Cleaning cleaning = Cleaning::blanks) {
  return parse_table("text,label,split,rationale\n\"" + text + "\",1,train," + rationale + "\n", "own",
                     TableFormat::csv, {.cleaning = cleaning})
      .texts.front()
      .rationale;
}

}  // namespace

TEST_CASE("table: a rationale is the places of words, in any order") {
  CHECK(rationale_of("a charming  , funny film", "3 1") == Places{1, 3});
  CHECK(rationale_of("a charming film", " 0 ") == Places{0});
  CHECK(rationale_of("a charming film", "2.0") == Places{2});  // as pandas writes a column with gaps
  for (const char* none : {"", " ", "NA", "NaN"}) CHECK(rationale_of("a charming film", none).empty());
  CHECK(parse_csv("text,label,split\na,1,dev\n", "own").front().rationale.empty());
}

TEST_CASE("table: what the tokeniser cuts from a marked word is marked") {
  // a | film | , | not | bad | ! | 3-4 | stars
  const std::string text = "A film, not bad! 3-4 stars";
  CHECK(rationale_of(text, "1 3", Cleaning::words) == Places{1, 2, 4, 5});
  CHECK(rationale_of(text, "4", Cleaning::words) == Places{6});
  CHECK(rationale_of(text, "5", Cleaning::words) == Places{7});
  CHECK(rationale_of(text, "1 3", Cleaning::blanks) == Places{1, 3});
  // Without blanks the whole text is one piece.
  CHECK(rationale_of("\xE5\xA5\xBD\xE7\x9C\x8B\xE7\x9A\x84\xE7\x94\xB5\xE5\xBD\xB1", "0", Cleaning::words).size() > 1);
  for (const Cleaning cleaning : {Cleaning::blanks, Cleaning::words}) {
    const std::string raw = "\xC2\xA0\xEF\xBB\xBF\xC4\xB0stanbul  (caf\xC3\xA9)\xE2\x80\x83wasn't... 1/2";
    const auto pieces = pieces_of_words(raw, cleaning);
    CHECK(pieces.size() == split_words(clean_text(raw, cleaning)).size());
    CHECK(pieces.front() == 0);
    CHECK(pieces.back() == 3);
  }
}

TEST_CASE("table: in JSON a rationale is a list, a string or nothing") {
  const auto json = [](const std::string& value) {
    return parse_table(R"({"text": "a charming film", "label": 1, "split": "dev", "Rationale": )" + value + "}", "own",
                       TableFormat::json_lines)
        .texts.front()
        .rationale;
  };
  CHECK(json("[2, 0.0]") == Places{0, 2});
  CHECK(json("\"2 0\"") == Places{0, 2});
  CHECK(json("1") == Places{1});
  CHECK(json("[]").empty());
  CHECK(json("null").empty());
  const auto error = [&](const std::string& value) { return input_error([&] { (void)json(value); }); };
  CHECK_HAS(error("[0, \"1\"]"),
            "own, record 1 (line 1): 'rationale' is a list with something else than whole numbers");
  CHECK_HAS(error("[0.5]"), "something else than whole numbers");
  CHECK_HAS(error("[[0, 2]]"), "something else than whole numbers");
  CHECK_HAS(error("[-1]"), "'-1' in the rationale is no place of a word");
  CHECK_HAS(error("{\"begin\": 1}"), "'rationale' is an object");
}

TEST_CASE("table: a wrong rationale is refused with its record and line") {
  const auto error = [](const std::string& rationale) {
    return csv_error("text,label,split,rationale\nfine,1,train,0\n\"a charming\nfilm\",1,train," + rationale + "\n");
  };
  CHECK_HAS(error("0 3"), "own.csv, record 2 (line 3): the rationale marks word 3, but the text has 3 words");
  CHECK_HAS(error("99999999999999999999"), "the rationale marks word 99999999999999999999, but the text has 3 words");
  CHECK_HAS(error("1 1"), "own.csv, record 2 (line 3): the rationale marks word 1 twice");
  CHECK_HAS(error("charming"), "'charming' in the rationale is no place of a word; write the places");
  for (const char* wrong : {"-1", "1.5", "0-2", "0:2", "\"0,2\"", "[0", "+1", "0x1"}) {
    CHECK_HAS(error(wrong), "in the rationale is no place of a word");
  }
  CHECK_HAS(csv_error("text,label,split,rationale,rationale\na,1,dev,0,0\n"), "2 columns are called 'rationale'");
}
