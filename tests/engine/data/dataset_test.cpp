// From texts to a Dataset: the vocabulary, the splits, and what is said about texts of which none can be made.
#include "engine/data/dataset.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/corpora/planted_corpus.h"
#include "engine/corpora/table.h"
#include "engine/data/dataset_builder.h"
#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "tests/support/input_error.h"
#include "tests/support/small_csv.h"
#include "tests/support/temporary_folder.h"

using namespace notnot;

namespace {

LabelledText text(const std::string& words, int32_t label, SplitName split) { return {words, label, split, 1}; }

}  // namespace

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
  std::filesystem::resize_file(path, uintmax_t{20} << 30);
  CHECK_HAS(input_error([&] { Vocabulary::load(path); }), "vocabulary.txt is damaged: 20480 MiB are too many");
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

TEST_CASE("dataset: ids and the words that the vocabulary lacks stand beside what the model sees") {
  std::vector<LabelledText> texts = {{"a good film", 1, SplitName::train, 1, "x"},
                                     {"a bad film", 0, SplitName::train, 2},
                                     {"a film", 1, SplitName::dev, 3, "y"},
                                     {"rare a rare caf\xC3\xA9", 1, SplitName::test, 4, "x"},
                                     {"<SOS> rare <UNK>", 0, SplitName::test, 5, "x"},
                                     {"new film", 1, SplitName::test, 6, "z"}};
  const Dataset dataset = make_dataset("own", texts, {});
  const Split& test = dataset.split(SplitName::test);
  CHECK(test.token_ids == std::vector<int32_t>{2, 1, 4, 1, 1, 3, 2, 1, 1, 1, 3, 2, 1, 6, 3});
  CHECK(test.unknown == std::vector<int32_t>{0, 0, 1, 2, 0, 3, 4});
  REQUIRE(test.outside.size() == 5);
  CHECK(test.outside[0] == "rare");
  CHECK(test.outside[1] == "caf\xC3\xA9");
  CHECK(test.outside[2] == "<SOS>");
  CHECK(test.outside[3] == "<UNK>");
  CHECK(test.outside[4] == "new");
  CHECK(test.ids[1] == "x");
  CHECK(dataset.split(SplitName::train).ids[0] == "x");
  CHECK(dataset.split(SplitName::train).ids[1].empty());
  CHECK(dataset.split(SplitName::train).unknown.empty());
  CHECK(dataset.split(SplitName::train).outside.empty());

  // The filter drops both from the same texts.
  const Split filtered = make_dataset("own", texts, {1, true, 1, 4}).splits.test;
  CHECK(filtered.rows == std::vector<int64_t>{5, 6});
  CHECK(filtered.ids.size() == 2);
  CHECK(filtered.ids[1] == "z");
  CHECK(filtered.unknown == std::vector<int32_t>{0, 1, 2, 3});
  CHECK(filtered.outside[0] == "<SOS>");

  for (LabelledText& text : texts) text.id.clear();
  for (const SplitName name : kSplitNames) CHECK(make_dataset("own", texts, {}).split(name).ids.empty());
  texts[2].id = "only";
  for (const SplitName name : kSplitNames) {
    const Split split = make_dataset("own", texts, {}).split(name);
    CHECK(split.ids.size() == split.labels.size());
  }
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

TEST_CASE("dataset: a test split of one group is refused") {
  const auto error = [](const std::string& group_of_last) {
    return input_error([&] {
      make_dataset("own",
                   parse_csv("text,label,split,group\na,1,train,p\nb,0,train,p\na,0,dev,p\na,0,test,q\nb,1,test," +
                                 group_of_last + "\n",
                             "own.csv"),
                   {});
    });
  };
  CHECK_HAS(error("q"), "own: the test split: all 2 texts are of one group");
  CHECK_HAS(error("r"), "no InputError");
  CHECK_HAS(error(""), "no InputError");
}

TEST_CASE("dataset builder: the words come back, and counts tell both sides of the filter") {
  auto texts = make_planted_corpus({.train = 60, .dev = 20, .test = 20});
  texts[0].words += " , \"quoted\" caf\xC3\xA9";
  texts[3].id = "a file, with a comma";
  DatasetBuilder built;
  for (const LabelledText& text : texts) built.add(text);
  CHECK(built.size() == texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    CHECK(built.text(i).words == texts[i].words);
    CHECK(built.text(i).id == texts[i].id);
    CHECK(built.text(i).row == texts[i].row);
  }
  const SplitCounts train =
      built.count(SplitName::train, {.min_df = 2, .filter_by_length = true, .min_length = 8, .max_length = 29});
  CHECK(train.negative + train.positive == 60);
  CHECK(train.kept.size() < 60);
  CHECK(std::is_sorted(train.kept.begin(), train.kept.end()));
}
