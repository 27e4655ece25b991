// The Stanford Sentiment Treebank itself, where NOTNOT_DATA has it: both of its sources give the published texts and
// counts.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/corpora/corpus.h"
#include "engine/corpora/sst_trees.h"
#include "engine/corpora/table.h"
#include "engine/io/files.h"

using namespace notnot;

namespace {

/// $NOTNOT_DATA/sst; ends the program as skipped when it lacks the table or the trees.
std::filesystem::path sst_folder() {
  const char* data = std::getenv("NOTNOT_DATA");
  if (data == nullptr) {
    fmt::print("skipped: NOTNOT_DATA is not set\n");
    std::exit(77);
  }
  const auto folder = std::filesystem::path(data) / "sst";
  for (const char* name : {"sst_dataset.csv", "trees/train.txt"}) {
    if (!std::filesystem::exists(folder / name)) {
      fmt::print("skipped: there is no {}\n", (folder / name).string());
      std::exit(77);
    }
  }
  return folder;
}

std::vector<LabelledText> published_trees() {
  SourceReader sources(sst_folder() / "trees", "the trees");
  return read_sst_trees(sources);
}

void check_counts(const Dataset& dataset) {
  struct Count {
    SplitName split;
    int32_t negative, positive;
  };
  for (const Count& count :
       {Count{SplitName::train, 3034, 3321}, {SplitName::dev, 397, 424}, {SplitName::test, 863, 862}}) {
    const Split& split = dataset.split(count.split);
    INFO(to_string(count.split));
    CHECK(split.positives() == count.positive);
    CHECK(split.size() - split.positives() == count.negative);
  }
  CHECK(dataset.vocabulary.size() == 13826);
}

}  // namespace

TEST_CASE("sst: cleaning leaves the published table as it is") {
  const auto path = sst_folder() / "sst_dataset.csv";
  const auto texts = read_table(path).texts;
  CHECK(texts.size() == 9613);
  std::string table = "text,label,exp_split\n";
  for (const LabelledText& text : texts)
    table += fmt::format("{},{},{}\n", text.words, text.label, to_string(text.split));
  CHECK((table == read_file(path)));
}

TEST_CASE("sst: the trees give the texts of the table") {
  const auto table = read_table(sst_folder() / "sst_dataset.csv").texts;
  const auto trees = published_trees();
  REQUIRE(trees.size() == table.size());
  for (size_t i = 0; i < table.size(); ++i) {
    INFO(table[i].row);
    CHECK(trees[i].words == table[i].words);
    CHECK(trees[i].label == table[i].label);
    CHECK(trees[i].split == table[i].split);
    CHECK(trees[i].row == table[i].row);
  }
}

TEST_CASE("sst: the published counts") {
  sst_folder();
  const Corpus corpus = load_corpus({.dataset = "sst"});
  CHECK(corpus.options.min_length == 5);
  check_counts(corpus.dataset);
  check_counts(make_dataset("sst", published_trees(), corpus.options));
}
