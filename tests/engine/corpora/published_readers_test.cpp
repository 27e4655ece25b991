// The readers of published corpora on made-up files: cleaning, splits, and what is said about bad files. The suites
// imdb, sst, ag_news and newsgroups read the real corpora, where NOTNOT_DATA has them.
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
#include "engine/corpora/sst_trees.h"
#include "engine/data/sources.h"
#include "engine/io/files.h"
#include "engine/math/numpy_random.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

using namespace notnot;

namespace {

void write(const std::filesystem::path& path, const std::string& content) {
  std::filesystem::create_directories(path.parent_path());
  write_atomically(path, content);
}

}  // namespace

TEST_CASE("sst trees: the root's sentiment and the processed text") {
  const SstSentence sentence = parse_sst_tree(
      "(3 (2 (2 -LRB-) (2 The)) (4 (2 Rock\\/Roll) (2 (2 8\xC2\xA0"
      "1\\/2) (2 (2 gonna) (2 (2 28k) (2 (2 's) (2 -RRB-)))))))",
      "train.txt, line 1");
  CHECK(sentence.words == "the rock roll 8 1 2 gon na 28 k s");
  CHECK(sentence.sentiment == 3);
  CHECK(parse_sst_tree("(0 (2 20k2) (2 k))", "x").words == "20k2 k");
  CHECK(parse_sst_tree("(1 \xC3\x89TAT)", "x").words == "\xC3\xA9tat");
}

TEST_CASE("sst trees: a malformed tree is refused with its place") {
  struct Case {
    std::string tree, what;
  };
  const std::vector<Case> cases = {
      {"", "not closed"},
      {"(3 (2 a) (2 b)", "not closed"},
      {"(3 (2 a) (2", "not closed"},
      {"(3 (2 a)) x", "after the tree's end"},
      {"(3 (2 a)) (2 b)", "after the tree's end"},
      {"(5 a)", "sentiment from 0 to 4"},
      {"(33 a)", "a blank is missing"},
      {"(3 a b)", "a word outside a node"},
      {"(3 (2 a) b)", "a word outside a node"},
      {"(3 a (2 b))", "a node beside a word"},
      {"(3 )", "a node without words"},
      {")", "a node without words"},
      {"a", "a word outside a node"},
      {"(3 -LRB-)", "no word"},
      {"(3 \xFF)", "byte 4: not UTF-8"},
  };
  for (const Case& malformed : cases) {
    INFO(malformed.tree);
    const std::string message = input_error([&] { parse_sst_tree(malformed.tree, "train.txt, line 7"); });
    CHECK_HAS(message, malformed.what);
    CHECK_HAS(message, "train.txt, line 7");
  }
  CHECK_HAS(input_error([] { parse_sst_tree(std::string(1000000, '('), "deep"); }), "deep");
  std::string deep;
  for (int i = 0; i < 1000000; ++i) deep += "(1 ";
  CHECK_HAS(input_error([&] { parse_sst_tree(deep, "deep"); }), "not closed");
}

TEST_CASE("sst trees: three files, neutral sentences dropped, rows numbered through") {
  const TemporaryFolder folder;
  write_atomically(folder / "train.txt", "(4 (2 A) (3 treat))\n(2 (2 so) (2 so))\r\n(1 awful)\n");
  write_atomically(folder / "dev.txt", "(0 bad)");
  write_atomically(folder / "test.txt", "(3 good)\n");
  const auto read = [&] {
    SourceReader sources(folder.path(), "the trees");
    return read_sst_trees(sources);
  };
  const auto texts = read();
  REQUIRE(texts.size() == 4);
  CHECK(texts[0].words == "a treat");
  CHECK(texts[0].label == 1);
  CHECK(texts[1].label == 0);
  CHECK(texts[2].split == SplitName::dev);
  CHECK(texts[3].row == 4);
  write_atomically(folder / "dev.txt", "(0 bad)\n(0 bad\n");
  CHECK_HAS(input_error([&] { read(); }), (folder / "dev.txt").string() + ", line 2");
  write_atomically(folder / "dev.txt", "");
  CHECK_HAS(input_error([&] { read(); }), "dev.txt: the file is empty");
  std::filesystem::remove(folder / "test.txt");
  write_atomically(folder / "dev.txt", "(0 bad)\n");
  CHECK_HAS(input_error([&] { read(); }), "test.txt");
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

namespace {

/// Writes an aclImdb with so many reviews in each half, the first half of them positive. The words of review i tell its
/// row.
void write_imdb(const std::filesystem::path& folder, int train, int test) {
  int row = 0;
  for (const std::string half : {"train", "test"}) {
    const int size = half == "train" ? train : test;
    for (const std::string label : {"pos", "neg"}) {
      const int count = label == "pos" ? size / 2 : size - size / 2;
      for (int i = 0; i < count; ++i)
        write(folder / fmt::format("{}/{}/{:03}_7.txt", half, label, i), fmt::format("Film row{}.", ++row));
    }
  }
}

std::vector<int64_t> rows_of(const std::vector<LabelledText>& texts, SplitName split) {
  std::vector<int64_t> rows;
  for (const LabelledText& text : texts) {
    if (text.split == split) rows.push_back(text.row);
  }
  return rows;
}

/// The elements [begin, end) of NumPy's permutation with seed 1378, as rows after `before`.
std::vector<int64_t> permuted(int size, int begin, int end, int64_t before) {
  const std::vector<int64_t> order = NumpyRandom(1378).permutation(size);
  std::vector<int64_t> rows;
  for (int i = begin; i < end; ++i) rows.push_back(order[i] + 1 + before);
  return rows;
}

}  // namespace

TEST_CASE("imdb: the fifths of sizes that 5 does not divide") {
  // Dev is the first fifth of the training documents, rounded up; test the last fifth of the test documents, rounded
  // down. The numbers are worked by hand.
  struct Case {
    int train, dev, test, fifth;
  };
  for (const Case& c : {Case{21, 5, 21, 4}, {24, 5, 24, 4}, {26, 6, 29, 5}, {25, 5, 25, 5}, {22, 5, 23, 4}}) {
    CAPTURE(c.train);
    const TemporaryFolder folder;
    write_imdb(folder.path(), c.train, c.test);
    SourceReader sources(folder.path(), "aclImdb");
    const auto texts = read_imdb(sources);
    CHECK(rows_of(texts, SplitName::train) == permuted(c.train, c.dev, c.train, 0));
    CHECK(rows_of(texts, SplitName::dev) == permuted(c.train, 0, c.dev, 0));
    CHECK(rows_of(texts, SplitName::test) == permuted(c.test, c.test - c.fifth, c.test, c.train));
    CHECK(texts.size() == static_cast<size_t>(c.train + c.fifth));
    CHECK(texts.front().split == SplitName::train);  // in this order
    CHECK(texts[c.train - c.dev].split == SplitName::dev);
    for (const LabelledText& text : texts) {
      const bool in_test = text.split == SplitName::test;
      const int64_t number = in_test ? text.row - c.train : text.row;
      CHECK(text.label == (number <= (in_test ? c.test : c.train) / 2 ? 1 : 0));
      CHECK(text.words == (in_test ? "film" : fmt::format("film row{}", text.row)));  // test words must be known
    }
  }
}

TEST_CASE(
    "imdb: a training review that is too long is left out, but its words are known; test reviews count known words") {
  const TemporaryFolder folder;
  write_imdb(folder.path(), 10, 10);
  std::string words = "rare";
  for (int i = 0; i < 399; ++i) words += " long";
  write(folder / "train/pos/zz_9.txt", words);            // 400 words: too long
  write(folder / "train/neg/zz_2.txt", words.substr(5));  // 399: kept
  std::string unknown = "rare";
  for (int i = 0; i < 500; ++i) unknown += fmt::format(" unknown{}", i);
  // In every test review, so that it does not matter which the permutation takes.
  for (const char* label : {"pos", "neg"}) {
    for (int i = 0; i < 5; ++i) write(folder / fmt::format("test/{}/{:03}_7.txt", label, i), unknown);
  }
  SourceReader sources(folder.path(), "aclImdb");
  const auto texts = read_imdb(sources);
  CHECK(rows_of(texts, SplitName::train).size() + rows_of(texts, SplitName::dev).size() == 11);
  CHECK(std::count_if(texts.begin(), texts.end(), [](const auto& text) { return text.id == "train/pos/zz_9.txt"; }) ==
        0);
  REQUIRE(rows_of(texts, SplitName::test).size() == 2);
  CHECK(texts.back().words == "rare");
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

TEST_CASE("ag news: two classes of four, only the description, dev from the training file") {
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

TEST_CASE(
    "ag news: by default 15 % of each class are dev, rounded to the nearest, and none of the training file is test") {
  const TemporaryFolder folder;
  std::string train;
  for (int i = 0; i < 26; ++i)
    train += fmt::format("\"{}\",\"t\",\"text\"\n", i < 10 ? 1 : 3);  // 10 world, 16 business
  write(folder / "train.csv", train);
  write(folder / "test.csv", "\"3\",\"t\",\"Trade\"\n\"1\",\"t\",\"World\"\n");
  SourceReader sources(folder.path(), "ag_news_csv");
  const auto texts = read_ag_news(sources, {});
  const auto count = [&](SplitName split, int32_t label) {
    return std::count_if(texts.begin(), texts.end(),
                         [&](const auto& text) { return text.split == split && text.label == label; });
  };
  CHECK(count(SplitName::dev, 0) == 2);  // 1.5
  CHECK(count(SplitName::dev, 1) == 2);  // 2.4
  CHECK(count(SplitName::train, 0) == 8);
  CHECK(count(SplitName::train, 1) == 14);
  CHECK(count(SplitName::test, 0) == 1);
  CHECK(count(SplitName::test, 1) == 1);
  CHECK(rows_of(texts, SplitName::test) == std::vector<int64_t>{27, 28});
}

TEST_CASE("sst trees: 0 and 1 are negative, 3 and 4 positive, and 2 is left out of every split") {
  const TemporaryFolder folder;
  for (const char* split : {"train", "dev", "test"}) {
    write_atomically(folder / fmt::format("{}.txt", split), "(3 three)\n(0 zero)\n(2 two)\n(4 four)\n(1 one)\n");
  }
  SourceReader sources(folder.path(), "SST");
  const auto texts = read_sst_trees(sources);
  REQUIRE(texts.size() == 12);
  for (size_t i = 0; i < texts.size(); ++i) {
    CHECK(texts[i].words == std::vector<std::string>{"three", "zero", "four", "one"}[i % 4]);
    CHECK(texts[i].label == (i % 4 == 0 || i % 4 == 2 ? 1 : 0));
    CHECK(texts[i].split == kSplitNames[i / 4]);
    CHECK(texts[i].row == static_cast<int64_t>(i) + 1);
  }
}

TEST_CASE("20 newsgroups: each fold of the list is a split of its own") {
  const TemporaryFolder folder;
  for (const char* half : {"20news-bydate-train", "20news-bydate-test"}) {
    for (const char* group : {"rec.sport.baseball", "rec.sport.hockey"})
      write(folder / half / group / "1", "S: x\n\nA");
  }
  SourceReader sources(folder.path(), "20 Newsgroups");
  const auto texts = read_newsgroups(sources,
                                     "fold\tlabel\tpath\ndev\t0\t20news-bydate-train/rec.sport.baseball/1\n"
                                     "train\t1\t20news-bydate-train/rec.sport.hockey/1\n"
                                     "test\t0\t20news-bydate-test/rec.sport.baseball/1\n");
  REQUIRE(texts.size() == 3);
  CHECK(texts[0].split == SplitName::dev);
  CHECK(texts[1].split == SplitName::train);
  CHECK(texts[2].split == SplitName::test);
  CHECK(texts[0].label == 0);
  CHECK(texts[1].label == 1);
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
