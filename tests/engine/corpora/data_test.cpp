// From bytes to a Dataset: text, CSV, trees, vocabulary, splits, and what a user reads when something is wrong.
#include <doctest/doctest.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "engine/corpora/corpus.h"
#include "engine/corpora/sst_trees.h"
#include "engine/corpora/table.h"
#include "engine/data/dataset.h"
#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "engine/io/text.h"
#include "engine/math/random.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

using namespace notnot;
using Words = std::vector<std::string_view>;

namespace {

std::string csv_error(std::string_view content) {
  return input_error([&] { parse_csv(content, "own.csv"); });
}

constexpr const char* kSmallCsv =
    "text,label,split\n"
    "a good film,1,train\n"
    "a bad film,0,train\n"
    "good,1,dev\n"
    "so good,1,test\n"
    "so bad,0,test\n";

LabelledText text(const std::string& words, int32_t label, SplitName split) { return {words, label, split, 1}; }

}  // namespace

TEST_CASE("text: validation finds the first byte that is not UTF-8") {
  CHECK_FALSE(first_invalid_utf8("").has_value());
  CHECK_FALSE(first_invalid_utf8("caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80").has_value());
  CHECK(first_invalid_utf8("ab\xE9 d") == std::optional<size_t>(2));           // Latin-1
  CHECK(first_invalid_utf8("\xC0\xAF") == std::optional<size_t>(0));           // overlong
  CHECK(first_invalid_utf8("x\xED\xA0\x80") == std::optional<size_t>(1));      // surrogate
  CHECK(first_invalid_utf8("x\xF4\x90\x80\x80") == std::optional<size_t>(1));  // beyond U+10FFFF
  CHECK(first_invalid_utf8("abc\xE2\x82") == std::optional<size_t>(3));        // cut
}

TEST_CASE("text: lower case is Unicode's") {
  CHECK(to_lower("ABC") == "abc");
  CHECK(to_lower("\xC3\x89T\xC3\x89") == "\xC3\xA9t\xC3\xA9");
  CHECK(to_lower("\xCE\xA3\xCE\xA3") == "\xCF\x83\xCF\x82");  // a final sigma
  CHECK(to_lower("I") == "i");                                // whatever the locale
}

TEST_CASE("text: words") {
  CHECK(split_at_white_space(" a\tb\r\n\xC2\xA0"
                             "c\xE3\x80\x80"
                             "d\xE2\x80\xA8"
                             "e  ") == Words{"a", "b", "c", "d", "e"});
  CHECK(split_at_white_space(" \xC2\xA0").empty());
  CHECK(split_words("a\tb c") == Words{"a\tb", "c"});
  CHECK(join_words({"a", "b"}) == "a b");
  CHECK(blank_non_word("d\xC3\xA9j\xC3\xA0-vu_2 \xE2\x80\x94!") == "d\xC3\xA9j\xC3\xA0 vu_2   ");
}

TEST_CASE("text: what is shown in a message can be printed") {
  CHECK(in_quotes("abc") == "'abc'");
  CHECK(in_quotes("a\x01\xFF\n") == "'a\\x01\\xFF\\x0A'");
  CHECK(in_quotes("") == "''");
  CHECK(in_quotes(std::string(1000, 'x')) == "'" + std::string(40, 'x') + "...'");
}

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
  CHECK_HAS(csv_error("text,label,split,exp_split\n"), "2 columns are called 'split' or 'exp_split'");
  CHECK_HAS(csv_error(header + "a,1,train\n\nb,1,training\n"), "own.csv, record 2 (line 4): split 'training'");
  CHECK_HAS(csv_error(header + "\"a\n\nb\",1,train\nc,2,dev\n"), "own.csv, record 2 (line 5): label '2'");
  CHECK_HAS(csv_error(header + "a,,dev\n"), "label ''");
  CHECK_HAS(csv_error(header + "a,1,Train\n"), "split 'Train'");
  CHECK_HAS(csv_error(header + "a, with a comma,1,train\n"), "record 1 (line 2): 4 fields where the header has 3");
  CHECK_HAS(csv_error(header + "a,1\n"), "2 fields where the header has 3");
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

TEST_CASE("csv: files") {
  const TemporaryFolder folder;
  write_atomically(folder / "own.csv", kSmallCsv);
  CHECK(read_csv(folder / "own.csv").size() == 5);
  CHECK_HAS(input_error([&] { read_csv(folder / "none.csv"); }), "none.csv");
  CHECK_HAS(input_error([&] { read_csv(folder.path()); }), folder.path().string());
  write_atomically(folder / "bad.csv", "text\n");
  CHECK_HAS(input_error([&] { read_csv(folder / "bad.csv"); }), (folder / "bad.csv").string() + ", header (line 1)");
}

TEST_CASE("csv: any mutation of a valid file is read or refused") {
  const std::string valid =
      std::string(kSmallCsv) + "\"quoted, \"\"text\"\"\nin two lines\",1,train\n\xC3\xA9,0,dev\r\n";
  constexpr std::string_view kNasty("\"\",\n\r\0\xFF\xC3 01a", 13);
  int read = 0;
  int refused = 0;
  for (uint32_t round = 0; round < 20000; ++round) {
    const Random random(1, Purpose::test_data, round);
    std::string content = valid;
    const int64_t edits = random.integer(0, 1, 4);
    for (int64_t edit = 0; edit < edits; ++edit) {
      const auto draw = static_cast<uint64_t>(1 + 4 * edit);
      const auto place = static_cast<size_t>(random.integer(draw, 0, static_cast<int64_t>(content.size()) - 1));
      const auto length = static_cast<size_t>(random.integer(draw + 1, 0, 10));
      const char byte =
          kNasty[static_cast<size_t>(random.integer(draw + 2, 0, static_cast<int64_t>(kNasty.size()) - 1))];
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
  const auto texts = read_sst_trees(folder.path());
  REQUIRE(texts.size() == 4);
  CHECK(texts[0].words == "a treat");
  CHECK(texts[0].label == 1);
  CHECK(texts[1].label == 0);
  CHECK(texts[2].split == SplitName::dev);
  CHECK(texts[3].row == 4);
  write_atomically(folder / "dev.txt", "(0 bad)\n(0 bad\n");
  CHECK_HAS(input_error([&] { read_sst_trees(folder.path()); }), (folder / "dev.txt").string() + ", line 2");
  write_atomically(folder / "dev.txt", "");
  CHECK_HAS(input_error([&] { read_sst_trees(folder.path()); }), "dev.txt: the file is empty");
  std::filesystem::remove(folder / "test.txt");
  write_atomically(folder / "dev.txt", "(0 bad)\n");
  CHECK_HAS(input_error([&] { read_sst_trees(folder.path()); }), "test.txt");
}

TEST_CASE("vocabulary: reserved ids, byte order, training split only") {
  const auto vocabulary = Vocabulary::build(
      {text("b \xC3\xA9 a Z b", 1, SplitName::train), text("c", 1, SplitName::dev), text("d", 0, SplitName::test)}, 1);
  CHECK(vocabulary.serialize() == "<0>\n<UNK>\n<SOS>\n<EOS>\nZ\na\nb\n\xC3\xA9\n");
  CHECK(vocabulary.size() == 8);
  CHECK(vocabulary.id("Z") == kFirstWordId);
  CHECK(vocabulary.word(kFirstWordId + 3) == "\xC3\xA9");
  CHECK(vocabulary.id("c") == kUnknownId);
  CHECK(vocabulary.encode("b c a") == std::vector<int32_t>{kStartId, 6, kUnknownId, 5, kEndId});
  CHECK(vocabulary.encode("") == std::vector<int32_t>{kStartId, kEndId});
}

TEST_CASE("vocabulary: a text counts once however often it has the word") {
  const std::vector<LabelledText> texts = {text("a a a b", 1, SplitName::train), text("b c", 0, SplitName::train),
                                           text("a c c", 0, SplitName::test)};
  const auto vocabulary = Vocabulary::build(texts, 2);
  CHECK(vocabulary.size() == 5);
  CHECK(vocabulary.id("b") == kFirstWordId);
  CHECK(vocabulary.id("a") == kUnknownId);
  CHECK_HAS(input_error([&] { Vocabulary::build(texts, 0); }), "at least 1");
}

TEST_CASE("vocabulary: a text's own boundary or padding word is unknown") {
  const auto vocabulary = Vocabulary::build({text("<0> a <SOS> <EOS> <UNK>", 1, SplitName::train)}, 1);
  CHECK(vocabulary.size() == 5);
  CHECK(vocabulary.encode("<0> a <EOS>") == std::vector<int32_t>{kStartId, kUnknownId, 4, kUnknownId, kEndId});
}

TEST_CASE("vocabulary: written and read again it is the same") {
  const TemporaryFolder folder;
  const auto vocabulary = Vocabulary::build({text("the caf\xC3\xA9 's 42 \"", 1, SplitName::train)}, 1);
  write_atomically(folder / "vocabulary.txt", vocabulary.serialize());
  const auto loaded = Vocabulary::load(folder / "vocabulary.txt");
  CHECK(loaded.serialize() == vocabulary.serialize());
  for (int32_t id = kFirstWordId; id < vocabulary.size(); ++id) CHECK(loaded.id(vocabulary.word(id)) == id);
}

TEST_CASE("vocabulary: a damaged file is refused with its line") {
  const TemporaryFolder folder;
  const auto path = folder / "vocabulary.txt";
  const std::string reserved = "<0>\n<UNK>\n<SOS>\n<EOS>\n";
  const auto error = [&](const std::string& content) {
    write_atomically(path, content);
    return input_error([&] { Vocabulary::load(path); });
  };
  CHECK_HAS(error(""), "line 1: '' where <0> must stand");
  CHECK_HAS(error("<0>\n<UNK>\n<EOS>\n<SOS>\n"), "line 3: '<EOS>' where <SOS> must stand");
  CHECK_HAS(error(reserved + "a\nb"), "line 6: the last line does not end");
  CHECK_HAS(error(reserved + "a\n\nb\n"), "line 6: '' is not one word");
  CHECK_HAS(error(reserved + "a b\n"), "line 5: 'a b' is not one word");
  CHECK_HAS(error(reserved + "a\r\n"), "line 5: 'a\\x0D' is not one word");
  CHECK_HAS(error(reserved + "a\na\n"), "line 6: 'a' is not in byte order");
  CHECK_HAS(error(reserved + "b\na\n"), "line 6: 'a' is not in byte order");
  CHECK_HAS(error(reserved + "<SOS>\n"), "line 5: the reserved word <SOS> again");
  CHECK_HAS(error(reserved + "\xFF\n"), "line 5: not UTF-8");
  CHECK_HAS(error(reserved + "b\na\n"), path.string());
  CHECK_HAS(input_error([&] { Vocabulary::load(folder / "none.txt"); }), "none.txt");
}

TEST_CASE("dataset: splits are ragged, with labels and rows") {
  const auto dataset = make_dataset("small", parse_csv(kSmallCsv, "own.csv"), {});
  CHECK(dataset.name == "small");
  CHECK(dataset.vocabulary.serialize() == "<0>\n<UNK>\n<SOS>\n<EOS>\na\nbad\nfilm\ngood\n");
  const Split& train = dataset.split(SplitName::train);
  CHECK(train.token_ids == std::vector<int32_t>{2, 4, 7, 6, 3, 2, 4, 5, 6, 3});
  CHECK(train.offsets == std::vector<int64_t>{0, 5, 10});
  CHECK(train.labels == std::vector<int32_t>{1, 0});
  CHECK(train.length(1) == 5);
  const Split& test = dataset.split(SplitName::test);
  CHECK(test.token_ids == std::vector<int32_t>{2, 1, 7, 3, 2, 1, 5, 3});
  CHECK(test.rows == std::vector<int64_t>{4, 5});
  CHECK(test.positives() == 1);
  CHECK(to_string(SplitName::dev) == "dev");
}

TEST_CASE("dataset: the weight of class 1") {
  std::vector<LabelledText> texts = parse_csv(kSmallCsv, "own.csv");
  for (int i = 0; i < 3; ++i) texts.push_back(text("x", 0, SplitName::train));
  CHECK(make_dataset("small", texts, {}).positive_weight() == doctest::Approx(4.0));  // 5 texts, 1 of class 1
}

TEST_CASE("dataset: both length bounds are strict, and the vocabulary comes before the filter") {
  std::vector<LabelledText> texts;
  std::string words;
  for (int32_t length = 1; length <= 8; ++length) {
    words += fmt::format("{}w{}", length == 1 ? "" : " ", length);
    for (const SplitName split : kSplitNames) {
      if (split == SplitName::dev && length > 7) continue;  // another longest text
      for (const int32_t label : {0, 1}) texts.push_back({words, label, split, length});
    }
  }
  const auto rows = [&](const DatasetOptions& options, SplitName split) {
    return make_dataset("lengths", texts, options).split(split).rows;
  };
  using Rows = std::vector<int64_t>;
  CHECK(rows({1, true, 2, 5}, SplitName::train) == Rows{3, 3, 4, 4});
  CHECK(rows({1, true, 5, -1}, SplitName::train) == Rows{6, 6, 7, 7});
  CHECK(rows({1, true, 3, -1}, SplitName::dev) == Rows{4, 4, 5, 5, 6, 6});
  CHECK(rows({1, true, -1, 4}, SplitName::test) == Rows{2, 2, 3, 3});
  CHECK(rows({1, false, 2, 5}, SplitName::train).size() == 16);
  CHECK(make_dataset("lengths", texts, {1, true, 2, 5}).vocabulary.size() == kFirstWordId + 8);
  CHECK_HAS(input_error([&] {
              rows({1, true, 4, 5}, SplitName::train);
            }),
            "lengths: the train split: none of its 16 texts has more than 4 and fewer than 5 words");
}

TEST_CASE("dataset: an empty split and a split with one class are refused") {
  const std::string header = "text,label,split\n";
  const auto error = [&](const std::string& records) {
    return input_error([&] { make_dataset("own", parse_csv(header + records, "own.csv"), {}); });
  };
  CHECK_HAS(error("a,0,train\nb,1,train\na,0,test\nb,1,test\n"), "own: the dev split has no text");
  CHECK_HAS(error("a,0,dev\nb,1,dev\na,0,test\nb,1,test\n"), "own: the train split has no text");
  CHECK_HAS(error("a,1,train\nb,1,train\na,0,dev\na,0,test\nb,1,test\n"),
            "own: the train split: all 2 texts have label 1");
  CHECK_HAS(error("a,1,train\nb,0,train\na,0,dev\na,0,test\n"), "own: the test split: all 1 texts have label 0");
  CHECK_HAS(error("a,1,train\nb,0,train\na,0,dev\na,0,test\nb,1,test\n"), "no InputError");
}

TEST_CASE("corpus: names, defaults and overrides") {
  const TemporaryFolder folder;
  write_atomically(folder / "own.csv", kSmallCsv);
  const Corpus own = load_corpus({.dataset = (folder / "own.csv").string()});
  CHECK(own.dataset.name == "own");
  CHECK(own.path == folder / "own.csv");
  CHECK_FALSE(own.options.filter_by_length);
  CHECK(own.options.min_df == 1);

  CorpusRequest planted{.dataset = "planted"};
  CHECK(load_corpus(planted).path.empty());
  CHECK(load_corpus(planted).dataset.split(SplitName::train).size() == 2000);
  planted.min_length = 10;
  planted.min_df = 3;
  const Corpus bounded = load_corpus(planted);
  CHECK(bounded.options.filter_by_length);
  CHECK(bounded.options.min_length == 10);
  CHECK(bounded.options.max_length == -1);
  CHECK(bounded.options.min_df == 3);
  CHECK(bounded.dataset.split(SplitName::train).size() < 2000);
  planted.max_length = -3;
  CHECK_HAS(input_error([&] { load_corpus(planted); }), "must not be negative");
}

TEST_CASE("corpus: what is not there is named, with the remedy") {
  const auto error = [](const std::string& name) { return input_error([&] { load_corpus({.dataset = name}); }); };
  CHECK_HAS(error("ssst"), "no data set or file 'ssst'; give planted, sst or the path of a CSV file");
  CHECK_HAS(error(""), "give planted, sst");
  CHECK_HAS(error(std::string(5000, 'x')), "give planted, sst");
  CHECK_HAS(error("none.csv"), "none.csv");
  const TemporaryFolder folder;
  CHECK_HAS(error(folder.path().string()), folder.path().string());
}

TEST_CASE("corpus: sst is looked for under NOTNOT_DATA, the table before the trees") {
  const char* before = std::getenv("NOTNOT_DATA");
  const std::optional<std::string> saved = before == nullptr ? std::nullopt : std::optional<std::string>(before);
  const CorpusRequest request{.dataset = "sst", .min_length = 0, .max_length = 9};
  const TemporaryFolder folder;
  unsetenv("NOTNOT_DATA");
  CHECK_HAS(input_error([&] { load_corpus(request); }), "run tools/get_data sst");
  setenv("NOTNOT_DATA", folder.path().c_str(), 1);
  CHECK_HAS(input_error([&] { load_corpus(request); }), "has neither sst_dataset.csv nor trees/; set NOTNOT_DATA");
  std::filesystem::create_directories(folder / "sst/trees");
  for (const char* name : {"train", "dev", "test"}) {
    write_atomically(folder / fmt::format("sst/trees/{}.txt", name), "(4 good)\n(0 bad)\n");
  }
  const Corpus trees = load_corpus(request);
  CHECK(trees.path == folder / "sst/trees");
  CHECK(trees.dataset.name == "sst");
  CHECK(trees.dataset.split(SplitName::train).size() == 2);
  write_atomically(folder / "sst/sst_dataset.csv", kSmallCsv);
  const Corpus table = load_corpus(request);
  CHECK(table.path == folder / "sst/sst_dataset.csv");
  CHECK(table.options.filter_by_length);
  CHECK(table.options.min_length == 0);
  CHECK(table.options.max_length == 9);
  CHECK_HAS(input_error([&] { load_corpus({.dataset = "sst"}); }), "more than 5 and fewer than 3 words");
  if (saved) {
    setenv("NOTNOT_DATA", saved->c_str(), 1);
  } else {
    unsetenv("NOTNOT_DATA");
  }
}
