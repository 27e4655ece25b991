// The readers of corpora and of users' tables, on made-up files: cleaning, splits, and what is said about bad ones.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "engine/corpora/ag_news.h"
#include "engine/corpora/imdb.h"
#include "engine/corpora/news_text.h"
#include "engine/corpora/newsgroups.h"
#include "engine/corpora/published.h"
#include "engine/corpora/table.h"
#include "engine/data/sources.h"
#include "engine/data/stratified_split.h"
#include "engine/io/checksum.h"
#include "engine/io/files.h"
#include "engine/io/text.h"
#include "engine/math/numpy_random.h"
#include "kernels/base/error.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

using namespace notnot;
using Order = std::vector<int64_t>;
using Words = std::vector<std::string_view>;

namespace {

std::string table_error(const std::string& content, TableFormat format, const TableOptions& options = {}) {
  return input_error([&] { parse_table(content, "own", format, options); });
}

void write(const std::filesystem::path& path, const std::string& content) {
  std::filesystem::create_directories(path.parent_path());
  write_atomically(path, content);
}

}  // namespace

TEST_CASE("text: word boundaries, Latin-1, digits, and what replaces bad bytes") {
  CHECK(split_at_word_boundaries("Don't stop, (3.14) e-mail!") ==
        Words{"Don't", "stop", ",", "(", "3.14", ")", "e", "-", "mail", "!"});
  CHECK(split_at_word_boundaries(" \n\xC2\xA0").empty());
  CHECK(split_at_word_boundaries("").empty());
  CHECK(from_latin1("caf\xE9 \xA0") == "caf\xC3\xA9 \xC2\xA0");
  CHECK(has_digit("a1"));
  CHECK(has_digit("\xD9\xA3"));  // Arabic three
  CHECK_FALSE(has_digit("one"));
  CHECK(replace_invalid_utf8(std::string_view("a\xFF"
                                              "b\0c",
                                              5)) ==
        "a\xEF\xBF\xBD"
        "b\xEF\xBF\xBD"
        "c");
  CHECK(split_characters("a\xC3\xA9") == Words{"a", "\xC3\xA9"});
  CHECK(icu_version().starts_with("ICU "));
}

TEST_CASE("numpy permutation: what NumPy gives") {
  CHECK(NumpyRandom(0).permutation(10) == Order{2, 8, 4, 9, 1, 6, 7, 3, 0, 5});
  CHECK(NumpyRandom(42).permutation(10) == Order{8, 1, 5, 0, 7, 2, 9, 4, 3, 6});
  CHECK(NumpyRandom(1).permutation(0).empty());
  CHECK(NumpyRandom(1).permutation(1) == Order{0});
}

TEST_CASE("stratified split: both classes dealt out alike, by seed") {
  std::vector<LabelledText> texts;
  for (int64_t i = 0; i < 100; ++i) texts.push_back({"a", i % 4 == 0 ? 1 : 0, SplitName::train, i});
  const auto splits = [&](uint64_t seed) {
    split_stratified(texts, {.dev = 0.1, .test = 0.2, .seed = seed});
    std::vector<SplitName> result;
    for (const LabelledText& text : texts) result.push_back(text.split);
    return result;
  };
  const auto first = splits(1);
  const auto count = [&](int32_t label, SplitName split) {
    return std::count_if(texts.begin(), texts.end(),
                         [&](const LabelledText& text) { return text.label == label && text.split == split; });
  };
  CHECK(count(0, SplitName::test) == 15);
  CHECK(count(1, SplitName::test) == 5);
  CHECK(count(0, SplitName::dev) == 8);  // 7.5
  CHECK(count(1, SplitName::dev) == 3);  // 2.5
  CHECK(splits(1) == first);
  CHECK(splits(2) != first);
  CHECK_HAS(input_error([&] { split_stratified(texts, {.dev = 0.5, .test = 0.5}); }), "their sum below 1");
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
  CHECK(table_format("a/B.TSV") == TableFormat::tsv);
  CHECK(table_format("a.jsonl") == TableFormat::json_lines);
  CHECK(table_format("a.ndjson") == TableFormat::json_lines);
  CHECK(table_format("a") == TableFormat::csv);
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
  CHECK_HAS(json(""), "no record");
  CHECK_HAS(json("{\"text\": \"a\""), "own, record 1 (line 1): not a JSON object");
  CHECK_HAS(json("\n[1]"), "own, record 1 (line 2): not a JSON object");
  CHECK_HAS(json("{\"label\":1,\"split\":\"dev\"}"), "there is no 'text'");
  CHECK_HAS(json("{\"text\":\"a\",\"label\":1}"), "there is no 'split'");
  CHECK_HAS(json("{\"text\":\"a\",\"label\":0.5,\"split\":\"dev\"}"), "'label' is neither a string nor a whole number");
  CHECK_HAS(json("{\"text\":\"a\",\"label\":2,\"split\":\"dev\"}"), "label '2' is neither 0 nor 1");
  CHECK_HAS(json("{\"text\":\" \",\"label\":1,\"split\":\"dev\"}"), "no word");
  CHECK_HAS(json(std::string(100000, '[')), "not a JSON object");
  CHECK_HAS(table_error("id,text,label,split\n7,a,1,dev\n8,b,1,dev\n7,c,0,dev\n", TableFormat::csv),
            "own, record 3 (line 4): the id '7' is also record 1's");
}

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
  CHECK_HAS(input_error([&] { SourceReader::find(folder / "raw", {"inner"}, "none", "a corpus"); }),
            "does not hold a corpus");
  CHECK_HAS(input_error([&] { sources.read_folder("none", [](const auto&, const auto&) {}); }), "has no files");
}

TEST_CASE("imdb: cleaning") {
  CHECK(clean_imdb("It's <br />GREAT,\tisn't it?!\n10/10_x") == "it's br great isn't it 10 10 x");
  CHECK(clean_imdb("a\xC2\x85"
                   "b \xC3\x89") ==
        "a\xC2\x85"
        "b \xC3\xA9");
  CHECK(clean_imdb("...").empty());
}

TEST_CASE("imdb: folds of a small one") {
  const TemporaryFolder folder;
  for (const char* half : {"train", "test"}) {
    for (const char* label : {"pos", "neg"}) {
      for (int i = 0; i < 10; ++i) {
        write(folder / fmt::format("{}/{}/{}_7.txt", half, label, i),
              fmt::format("Shared word{} {}.", i, half[1] == 'e' ? "novel" : "known"));
      }
    }
  }
  std::string long_review;
  for (int i = 0; i < 400; ++i) long_review += "long ";
  write(folder / "train/pos/x_7.txt", long_review);
  SourceReader sources(folder.path(), "aclImdb");
  const auto texts = read_imdb(sources);
  const auto count = [&](SplitName split) {
    return std::count_if(texts.begin(), texts.end(), [&](const LabelledText& text) { return text.split == split; });
  };
  CHECK(count(SplitName::train) == 16);
  CHECK(count(SplitName::dev) == 4);
  CHECK(count(SplitName::test) == 4);
  const auto order = NumpyRandom(1378).permutation(20);
  CHECK(texts[16].row == order[0] + 1 + (order[0] >= 10 ? 1 : 0));  // the long one is row 11
  CHECK(texts[20].row == order[16] + 22);
  CHECK(texts[20].words.find("novel") == std::string::npos);
  CHECK(texts[20].words.starts_with("shared word"));
  CHECK(texts[20].id.starts_with("test/"));
  CHECK(sources.sources().size() == 4);
  write(folder / "test/neg/0_7.txt", "\xFF");
  SourceReader again(folder.path(), "aclImdb");
  CHECK_HAS(input_error([&] { read_imdb(again); }), "test/neg/0_7.txt: byte 1 is not UTF-8");
}

TEST_CASE("news: words, numbers and punctuation") {
  CHECK(tokenise_news("The 3rd, U.S. win: 5-3 at 12:30 (1/2)!") == "the qqq , u.s . win : qqq at qqq ( qqq ) !");
  CHECK(tokenise_news("well-known F-15s \\ and/or 3 - 4") == "well - known f - qqq \\ and / or qqq - qqq");
  CHECK(tokenise_news(" \n").empty());
  CHECK(thin_punctuation("the rock , it's ( good ) .") == "the rock it ' s good .");
  CHECK(thin_punctuation("don't * * * stop...") == "don ' t stop .");
  CHECK(thin_punctuation("a\xC2\xA0"
                         "b") == "a b");
  CHECK(thin_punctuation("").empty());
}

TEST_CASE("ag news: two classes of four, the description alone, dev from the training file") {
  const TemporaryFolder folder;
  std::string train;
  for (int i = 0; i < 40; ++i) train += fmt::format("\"{}\",\"title\",\"Text {}, \"\"quoted\"\"\"\n", i % 4 + 1, i);
  write(folder / "train.csv", train);
  write(folder / "test.csv", "\"1\",\"t\",\"World\"\n\"2\",\"t\",\"Sport\"\n\"3\",\"t\",\"Trade\"\n");
  SourceReader sources(folder.path(), "ag_news_csv");
  const auto texts = read_ag_news(sources, {.dev = 0.2, .test = 0.5, .seed = 3});
  REQUIRE(texts.size() == 22);
  CHECK(texts[0].words == "text qqq , \" quoted \"");
  CHECK(texts[0].label == 0);
  CHECK(texts[1].label == 1);
  CHECK(texts[1].row == 3);
  CHECK(std::count_if(texts.begin(), texts.end(), [](const auto& text) { return text.split == SplitName::dev; }) == 4);
  CHECK(texts[20].words == "world");
  CHECK(texts[20].row == 41);
  CHECK(texts[20].id == "test.csv:1");
  CHECK(texts[21].split == SplitName::test);
  write(folder / "test.csv", "\"1\",\"t\"\n");
  CHECK_HAS(input_error([&] { read_ag_news(sources, {}); }), "record 1 (line 1): 2 fields instead of");
  write(folder / "test.csv", "\"5\",\"t\",\"d\"\n");
  CHECK_HAS(input_error([&] { read_ag_news(sources, {}); }), "class '5'");
}

TEST_CASE("20 newsgroups: headers, footers and quotes go") {
  const std::string header = "From: a\nSubject: b\n\n";
  CHECK(strip_post(header + "Text\n\nmore") == "Text");
  CHECK(strip_post(header + "Text\nmore") == "Text\nmore");
  CHECK(strip_post(header + "Text\n--\nName\nPhone\n") == "Text");
  CHECK(strip_post(header + "\n\nOnly\n\n") == "\n\nOnly\n\n");
  CHECK(strip_post(header + "In article <1> x\n>> old\n| old\nNew In article\nb@c writes:\nHe said: no\nEnd") ==
        "New In article\nEnd");
  CHECK(strip_post("no empty line") == "");
}

TEST_CASE("20 newsgroups: the listed posts, in their order") {
  const TemporaryFolder folder;
  const char* groups[] = {"rec.sport.baseball", "rec.sport.hockey"};
  for (const char* half : {"20news-bydate-train", "20news-bydate-test"}) {
    for (const char* group : groups) write(folder / half / group / "1", "S: x\n\nCaf\xE9 " + std::string(group));
  }
  const std::string split =
      "fold\tlabel\tpath\ntest\t1\t20news-bydate-train/rec.sport.hockey/1\n"
      "train\t0\t20news-bydate-test/rec.sport.baseball/1\n";
  SourceReader sources(folder.path(), "20 Newsgroups");
  const auto texts = read_newsgroups(sources, split);
  REQUIRE(texts.size() == 2);
  CHECK(texts[0].words == "caf\xC3\xA9 rec . sport . hockey");
  CHECK(texts[0].label == 1);
  CHECK(texts[0].split == SplitName::test);
  CHECK(texts[0].id == "20news-bydate-train/rec.sport.hockey/1");
  CHECK(texts[1].row == 2);
  CHECK_HAS(input_error([&] { read_newsgroups(sources, split + "dev\t0\t20news-bydate-test/rec.sport.hockey/2\n"); }),
            "20news-bydate-test/rec.sport.hockey/2 is missing");
}

TEST_CASE("20 newsgroups: the published split is part of the program") {
  const std::string_view split = published_newsgroups_split();
  CHECK(split.starts_with("fold\tlabel\tpath\n"));
  CHECK(std::count(split.begin(), split.end(), '\n') == 1934);
}

TEST_CASE("published: six corpora") {
  CHECK(find_published("imdb")->vocabulary == 12487);
  CHECK(find_published("20news")->options.max_length == 500);
  CHECK_FALSE(find_published("agnews")->options.filter_by_length);
  CHECK(find_published("csv") == nullptr);
  std::set<std::string_view> names;
  for (const PublishedCorpus& corpus : kPublishedCorpora) names.insert(corpus.name);
  CHECK(names == std::set<std::string_view>{"sst", "imdb", "agnews", "20news", "diabetes", "anemia"});
}
