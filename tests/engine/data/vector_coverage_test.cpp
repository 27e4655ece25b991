// How much of the texts word vectors cover, and what is said if it is little.
#include "engine/data/vector_coverage.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "engine/io/files.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

using namespace notnot;

namespace {

/// The warnings about a file for texts that have the word "the" 7 times, "film" twice and "good" once.
std::vector<std::string> warnings(const std::string& vectors) {
  const Vocabulary vocabulary({"the", "film", "good"});
  std::vector<int64_t> running(vocabulary.size());
  running[kUnknownId] = 100;
  running[vocabulary.id("the")] = 7;
  running[vocabulary.id("film")] = 2;
  running[vocabulary.id("good")] = 1;
  const TemporaryFolder folder;
  write_atomically(folder / "file.vec", vectors);
  return vector_warnings(vocabulary, running, load_word_vectors(folder / "file.vec", vocabulary), "file.vec");
}

std::string warning(const std::string& vectors) {
  const std::vector<std::string> all = warnings(vectors);
  REQUIRE(all.size() == 1);
  return all[0];
}

}  // namespace

TEST_CASE("vector coverage: counted in running words, from half of them on nothing is said") {
  CHECK(warnings("the 1 2\n").empty());
  CHECK(warnings("film 1 2\ngood 1 2\nthe 0 0\n").empty());
  CHECK(
      warning("film 1 2\ngood 1 2\n")
          .starts_with("the word vectors of file.vec cover only 30.0 % of the running words of the training texts; "));
}

TEST_CASE("vector coverage: the likely cause") {
  CHECK_HAS(warning("film 1 2\nThe 1 2\n"), "70 % stand in it with capital letters only");
  CHECK_HAS(warning("film 1 2\nx 1 2\n"), "another language or another kind of texts");
  CHECK_HAS(warning("film 1 2\n\xD1\x84\xD0\xB8\xD0\xBB\xD1\x8C\xD0\xBC 1 2\n\xD0\xB8 1 2\n"),
            "most of its words are written in Cyrillic and those of the texts in Latin");
}

TEST_CASE("vector coverage: words in another form than those of texts") {
  CHECK_HAS(warning("film 1 2\n/c/en/the 1 2\n/c/en/good 1 2\n/c/en/a 1 2\n"),
            "begin with /c/ and a language: take that off (its first words: 'film', '/c/en/the', '/c/en/good')");
  CHECK_HAS(warning("film 1 2\n\"the\" 1 2\n\"good\" 1 2\n"), "in quotes: take them off");
  CHECK_HAS(warning("film 1 2\nthe_DET 1 2\ngood_ADJ 1 2\n"), "end with a tag, such as _NOUN");
  CHECK_HAS(warnings("film 1 2\n\xE9t\xE9 1 2\ncaf\xE9 1 2\n")[0],
            "most of its words are not UTF-8: convert it (iconv -f ENCODING -t UTF-8) (its first words: 'film', ");
}

TEST_CASE("vector coverage: words that stand twice are counted") {
  CHECK(warning("the 1 2\nthe 3 4\n") == "file.vec has further vectors of words that had one (1); the first counts");
}

TEST_CASE("vector coverage: words that are not UTF-8 are counted") {
  CHECK(warning("the 1 2\ncaf\xE9 1 2\n\xE9t\xE9 3 4\n") == "2 words of file.vec are not UTF-8 and were passed over");
  CHECK(warnings("film 1 2\ncaf\xE9 1 2\n").size() == 2);
}
