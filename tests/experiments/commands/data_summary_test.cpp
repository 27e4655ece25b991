// What `notnot data` says about a prepared data set, counted by hand: words are words, not boundary tokens.
#include "experiments/commands/data_summary.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/io/text.h"
#include "tests/support/temporary_folder.h"

namespace notnot {
namespace {

/// Prepares eight texts with these options, as the corpus of this name. The vocabulary is a, b and c.
PreparedFolder prepare(const TemporaryFolder& folder, const std::string& corpus, const DatasetOptions& options,
                       bool with_vectors = false) {
  DatasetBuilder builder;
  int64_t row = 0;
  const auto add = [&](const char* words, int32_t label, SplitName split) {
    builder.add({words, label, split, ++row});
  };
  add("a b c", 1, SplitName::train);
  add("a b", 0, SplitName::train);
  add("c", 0, SplitName::train);
  add("a", 0, SplitName::dev);
  add("a d d", 1, SplitName::dev);
  add("b b b b x", 1, SplitName::test);
  add("b c", 0, SplitName::test);
  add("c", 0, SplitName::test);
  PreparedWriter writer(folder / corpus);
  writer.write(builder,
               {.name = "small", .corpus = corpus, .classes = {"bad", "good"}, .options = options, .sources = {}});
  if (with_vectors) {
    const std::vector<float> rows(static_cast<size_t>(2 * writer.vocabulary().size()));
    writer.write_vectors({.width = 2, .found = 3, .rows = rows}, "words.vec");
  }
  writer.finish();
  return PreparedFolder(folder / corpus);
}

/// The lines, with single blanks.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(join_words(split_words(text.substr(begin, end - begin))));
    begin = end + 1;
  }
  return lines;
}

bool has(const std::vector<std::string>& lines, const std::string& line) {
  return std::find(lines.begin(), lines.end(), line) != lines.end();
}

}  // namespace

TEST_CASE("data: texts by class, words and their mean, before and after the length filter") {
  const TemporaryFolder folder;
  const auto all = lines_of(counts_summary(prepare(folder, "csv", {})));
  CHECK(has(all, "split bad good words mean before filter"));
  CHECK(has(all, "train 2 1 6 2 2 + 1"));
  CHECK(has(all, "dev 1 1 4 2 1 + 1"));
  CHECK(has(all, "test 2 1 8 3 2 + 1"));  // 8 / 3
  CHECK(has(all, "vocabulary 7, reserved ids included"));
  for (const std::string& line : all) CHECK(line.find("Table 1") == std::string::npos);
  // The mean rounds to the nearest: 5 / 2 and 7 / 2 to even.
  const auto filtered = lines_of(
      counts_summary(prepare(folder, "filtered", {.filter_by_length = true, .min_length = 1, .max_length = 9})));
  CHECK(has(filtered, "train 1 1 5 2 2 + 1"));
  CHECK(has(filtered, "dev 0 1 3 3 1 + 1"));
  CHECK(has(filtered, "test 1 1 7 4 2 + 1"));
}

TEST_CASE("data: a corpus of the paper stands beside Table 1, the training and the test split in their columns") {
  const TemporaryFolder folder;
  const auto lines = lines_of(counts_summary(prepare(folder, "sst", {})));
  CHECK(has(lines, "published 19 3034 + 3321 863 + 862 13826"));
  CHECK(has(lines, "here 2 2 + 1 2 + 1 7"));
}

TEST_CASE("data: the histogram counts the texts of all splits by their words") {
  const TemporaryFolder folder;
  const auto lines = lines_of(length_histogram(prepare(folder, "csv", {}).dataset()));
  // Lengths 3 2 1, 1 3, 5 2 1. The longest bar has 50 marks, the others their share, rounded up.
  CHECK(has(lines, "0 to 0 0"));
  CHECK(has(lines, "1 to 1 3 " + std::string(50, '#')));
  CHECK(has(lines, "2 to 2 2 " + std::string(34, '#')));
  CHECK(has(lines, "3 to 3 2 " + std::string(34, '#')));
  CHECK(has(lines, "4 to 4 0"));
  CHECK(has(lines, "5 to 5 1 " + std::string(17, '#')));
}

TEST_CASE("data: coverage is of the words, and of the ids that can have a vector") {
  const TemporaryFolder folder;
  const UnknownWords unknown = {.train = 0, .dev = 2, .test = 1};
  const auto lines = lines_of(coverage_summary(prepare(folder, "csv", {}), unknown));
  CHECK(has(lines, "train 100.00 % of the words are in the vocabulary"));
  CHECK(has(lines, "dev 50.00 % of the words are in the vocabulary"));
  CHECK(has(lines, "test 87.50 % of the words are in the vocabulary"));
  CHECK(has(lines, "no word vectors are attached"));
  const auto with = lines_of(coverage_summary(prepare(folder, "with", {}, /*with_vectors=*/true), unknown));
  CHECK(has(with, "3 of the 6 ids have a word vector (2 wide)"));  // all but the padding
}

TEST_CASE("data: samples are the first texts of each class of the test split") {
  const TemporaryFolder folder;
  const PreparedFolder prepared = prepare(folder, "csv", {});
  const auto one = lines_of(sample_texts(prepared, 1)), two = lines_of(sample_texts(prepared, 2));
  CHECK(std::vector<std::string>(one.begin() + 2, one.end()) ==
        std::vector<std::string>{"[good] b b b b x", "[bad] b c"});
  CHECK(std::vector<std::string>(two.begin() + 2, two.end()) ==
        std::vector<std::string>{"[good] b b b b x", "[bad] b c", "[bad] c"});
}

}  // namespace notnot
