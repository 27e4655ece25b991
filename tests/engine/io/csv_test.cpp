// CSV: the writer, and the two readers on one parser. What users read about their own tables is in table_test.cpp.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "engine/io/csv_stream.h"
#include "engine/io/csv_writer.h"
#include "engine/io/delimited.h"
#include "engine/io/files.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

using namespace notnot;

namespace {

using Records = std::vector<Record>;

Records read(std::string_view content, const DelimitedFormat& format = {}) {
  Records records;
  DelimitedReader("a.csv", format).read(content, [&](Record&& record) { records.push_back(std::move(record)); });
  return records;
}

/// The records after the header.
Records read_stream(std::string_view content) {
  const TemporaryFolder folder;
  write_atomically(folder / "a.csv", content);
  CsvStream csv(folder / "a.csv");
  Records records;
  while (csv.next()) records.push_back(csv.fields());
  return records;
}

}  // namespace

TEST_CASE("csv writer: quotes where the format wants them, and nowhere else") {
  CHECK(csv_field("") == "");
  CHECK(csv_field("a b; 'c'\t") == "a b; 'c'\t");
  CHECK(csv_field("a,b") == "\"a,b\"");
  CHECK(csv_field("a\nb") == "\"a\nb\"");
  CHECK(csv_field("a\r") == "\"a\r\"");
  CHECK(csv_field("\"") == "\"\"\"\"");
  CHECK(csv_field("say \"hi\", twice") == "\"say \"\"hi\"\", twice\"");
  CHECK(csv_line({"a", "b,c", "", "d"}) == "a,\"b,c\",,d");
  CHECK(csv_line({""}) == "");
  CHECK(csv_line({}) == "");
}

TEST_CASE("csv: what is written is read, by both readers") {
  const Records records = {{"x", "y"}, {"a,b", "say \"hi\""}, {"two\nlines", ""}, {"", "caf\xC3\xA9\r\n"}};
  std::string content;
  for (const Record& record : records) content += csv_line(record) + "\r\n";
  CHECK(read(content) == records);
  CHECK(read_stream(content) == Records(records.begin() + 1, records.end()));
  CHECK(read("\xEF\xBB\xBF" + content) == records);
  CHECK(read_stream("\xEF\xBB\xBF" + content).size() == 3);
}

TEST_CASE("csv: a record may be longer or shorter than the one before") {
  const Records records = {{"a", "b", "c"}, {"d"}, {"e", "f"}, {"g", "h", "i", "j"}};
  CHECK(read("a,b,c\nd\n\n  \ne,f\ng,h,i,j") == records);
  CHECK(read("a\tb\tc\nd\ne\tf\ng\th\ti\tj\n", {.delimiter = '\t'}) == records);
  CHECK(read("\t\n", {.delimiter = '\t'}) == Records{{"", ""}});  // white space, but a record
}

TEST_CASE("csv: white space at the ends of a field belongs to it, unless quotes stand between") {
  const Records records = {{" a", "b ", "\tc"}, {" d ", "e,", "f"}, {" g\n h ", "i", ""}};
  CHECK(read(" a,b ,\tc\n\" d \" , \"e,\",\t\"f\" \r\n  \n \" g\n h \" ,i,\n") == records);
  CHECK(read(" a,b \r\n") == Records{{" a", "b "}});
  CHECK(read(" a\tb \n \" \" \t\"c\"\n", {.delimiter = '\t'}) == Records{{" a", "b "}, {" ", "c"}});
  CHECK(read(" \"a\" \tb\n  \n", {.delimiter = '\t', .quotes = false}) == Records{{" \"a\" ", "b"}});
  CHECK_HAS(input_error([] { read("\"a\" \"b\",c\n"); }), "a double quote in the wrong place");
  CHECK_HAS(input_error([] { read("\"a\" b,c\n"); }), "a double quote in the wrong place");
}

TEST_CASE("csv: a carriage return within a line is a blank, one in quotes stays") {
  CHECK(read("a,b\n1\r2,3\r\n\"4\r5\",6\n7,8\r") == Records{{"a", "b"}, {"1 2", "3"}, {"4\r5", "6"}, {"7", "8"}});
  CHECK(read("a,b\n\"1\r\n2\r\",3\r4\n") == Records{{"a", "b"}, {"1\r\n2\r", "3 4"}});
  // Python's csv on Windows, in a file that was opened as text.
  CHECK(read("a,b\r\r\n1,x2\r\r\n\r\r\n\"3\r\r\n4\",5\r\r\n6,7\r\r") ==
        Records{{"a", "b"}, {"1", "x2"}, {"3\r\r\n4", "5"}, {"6", "7"}});
  CHECK(read("a\tb\n\"1\r2\t3\n", {.delimiter = '\t', .quotes = false}) == Records{{"a", "b"}, {"\"1 2", "3"}});
}

TEST_CASE("csv: records are counted from the header, and lines from the file's begin") {
  std::vector<std::string> places;
  const auto place = [&](std::string_view content, const DelimitedFormat& format) {
    places.clear();
    DelimitedReader reader("a.csv", format);
    reader.read(content, [&](Record&&) { places.push_back(input_error([&] { reader.fail("x"); })); });
    return places;
  };
  const std::string content = "\nh\n\n\"1\n1\"\n2\r3\n4";
  CHECK(place(content, {}) == std::vector<std::string>{"a.csv, header (line 2): x", "a.csv, record 1 (line 4): x",
                                                       "a.csv, record 2 (line 6): x", "a.csv, record 3 (line 7): x"});
  CHECK(place(content, {.header = false})[3] == "a.csv, record 4 (line 7): x");
}

TEST_CASE("csv stream: errors name the file, the record and its line") {
  CHECK_HAS(input_error([] { read_stream(""); }), "a.csv: the file is empty");
  CHECK_HAS(input_error([] { read_stream("a,b\n\n1,2\n3\n"); }), "record 2 (line 4): 1 fields where the header has 2");
  CHECK_HAS(input_error([] { read_stream("a,b\n1,2\r3,4\n"); }), "record 1 (line 2): a carriage return between two");
  CHECK_HAS(input_error([] { read_stream("a,b\n1,2\r\"3\n\",4\n"); }),
            "record 1 (line 2): a carriage return between two");
  CHECK_HAS(input_error([] { read_stream("a,b\n1,\"2\"3\n"); }),
            "record 1 (line 2): a double quote in the wrong place on line 2");
  CHECK_HAS(input_error([] { read_stream("a,b\n1,2\n3,\"4\n"); }), "record 2 (line 3): a double quote is never closed");
}

TEST_CASE("csv stream: a file that is something else is named") {
  CHECK_HAS(input_error([] { read_stream("\x1F\x8B\x08"); }), "looks like a file packed with gzip; unpack it (gunzip)");
  CHECK_HAS(input_error([] { read_stream("\xFF\xFEt"); }), "looks like UTF-16; save the file as UTF-8");
}

TEST_CASE("csv stream: a quote that is never closed does not fill the memory") {
  const TemporaryFolder folder;
  const auto path = folder / "huge.csv";
  write_atomically(path, [](const Sink& sink) {
    sink("A,B\n1,2\n3,\"");
    const std::string line = std::string(1 << 20, 'x') + "\n";
    for (int i = 0; i < 20; ++i) sink(line);
  });
  CsvStream csv(path);
  REQUIRE(csv.next());
  CHECK_HAS(input_error([&] { csv.next(); }), "record 2 (line 3): longer than 16 MiB; a double quote is never closed");
}

TEST_CASE("csv stream: records and where they stand") {
  const TemporaryFolder folder;
  const std::string first = "1,\"two\nlines, \"\"quoted\"\"\"\n", second = "3,\n", third = "\"\",last";
  write_atomically(folder / "a.csv", "x,y\n" + first + "\n" + second + third);
  CsvStream csv(folder / "a.csv");
  CHECK(csv.column("Y") == 1);
  std::vector<std::vector<std::string>> records;
  std::vector<ByteRange> ranges;
  while (csv.next()) {
    records.push_back(csv.fields());
    ranges.push_back(csv.range());
  }
  CHECK(records == std::vector<std::vector<std::string>>{{"1", "two\nlines, \"quoted\""}, {"3", ""}, {"", "last"}});
  REQUIRE(ranges.size() == 3);
  CHECK(csv.raw(ranges[0]) == first);
  CHECK(csv.raw(ranges[1]) == second);
  CHECK(csv.raw(ranges[2]) == third);
  for (size_t i = 0; i < ranges.size(); ++i) CHECK(csv.read_again(ranges[i]) == records[i]);
  CHECK_FALSE(csv.next());
}

TEST_CASE("csv stream: a record that changed while the file was read is an error, not another record") {
  const TemporaryFolder folder;
  const auto path = folder / "a.csv";
  write_atomically(path, "x,y\n1,2\n");
  CsvStream csv(path);
  REQUIRE(csv.next());
  CHECK(csv.sha256().size() == 64);
  // Ranges that are no record stand in for a file that somebody writes to.
  CHECK_HAS(input_error([&] { csv.read_again({0, 8}); }), "was changed while it was read");
  CHECK_HAS(input_error([&] { csv.read_again({4, 0}); }), "was changed while it was read");
  write_atomically(path, "x,y\n1,\"2\"3\n");
  CsvStream quoted(path, [](uint64_t done, uint64_t total) { CHECK(done == total); });
  CHECK_HAS(input_error([&] { quoted.read_again({4, 8}); }), "was changed while it was read");
  CHECK(quoted.read_again({6, 3}) == Record{"2"});
}
