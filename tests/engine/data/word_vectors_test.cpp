// Word vectors in fastText's and GloVe's text forms, and the refusal of anything else.
#include "engine/data/word_vectors.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

using namespace notnot;

namespace {

const Vocabulary& vocabulary() {
  static const Vocabulary words = Vocabulary::build({{"a b c caf\xC3\xA9", 1, SplitName::train, 1}}, 1);
  return words;
}

WordVectors load(const std::string& content) {
  const TemporaryFolder folder;
  write_atomically(folder / "words.vec", content);
  return load_word_vectors(folder / "words.vec", vocabulary());
}

std::string error(const std::string& content) {
  return input_error([&] { load(content); });
}

std::vector<float> row(const WordVectors& vectors, const std::string& word) {
  const auto begin = vectors.rows.begin() + int64_t{vocabulary().id(word)} * vectors.width;
  return {begin, begin + vectors.width};
}

}  // namespace

TEST_CASE("word vectors: fastText's form, trailing blanks, zeros for what is missing") {
  const WordVectors vectors = load("4 3 \nb 1 -2.5 3e-1 \nother 9 9 9 \ncaf\xC3\xA9 0.1 0.2 0.3 \nB 7 7 7 \n");
  CHECK(vectors.width == 3);
  CHECK(vectors.found == 2);
  REQUIRE(vectors.rows.size() == static_cast<size_t>(vocabulary().size()) * 3);
  CHECK(row(vectors, "b") == std::vector<float>{1.0F, -2.5F, 0.3F});
  CHECK(row(vectors, "caf\xC3\xA9") == std::vector<float>{0.1F, 0.2F, 0.3F});
  CHECK(row(vectors, "a") == std::vector<float>{0, 0, 0});
  for (size_t i = 0; i < 4 * 3; ++i) CHECK(vectors.rows[i] == 0.0F);
}

TEST_CASE("word vectors: GloVe's form, CRLF, no newline at the end") {
  const WordVectors vectors = load("a 1 2\r\nb 3 4\r\nc 5 6");
  CHECK(vectors.width == 2);
  CHECK(vectors.found == 3);
  CHECK(row(vectors, "a") == std::vector<float>{1, 2});
  CHECK(row(vectors, "c") == std::vector<float>{5, 6});
  CHECK(load("7 1 2\na 1 2\n").found == 1);  // a number may be a word
}

TEST_CASE("word vectors: the first of two lines for one word counts") {
  const WordVectors vectors = load("a 1 2\na 3 4\n");
  CHECK(vectors.found == 1);
  CHECK(row(vectors, "a") == std::vector<float>{1, 2});
}

TEST_CASE("word vectors: reserved words are taken from the file, padding stays zero") {
  const WordVectors vectors = load("<0> 1 1\n<UNK> 2 3\n<SOS> 4 5\n<EOS> 6 7\n");
  CHECK(vectors.found == 3);
  CHECK(std::vector<float>(vectors.rows.begin(), vectors.rows.begin() + 8) ==
        std::vector<float>{0, 0, 2, 3, 4, 5, 6, 7});
}

TEST_CASE("word vectors: GloVe's words with blanks are passed over") {
  const WordVectors vectors = load("b 1 2\n. . . 3 4\na name@domain.com 5 6\nc 7 8\n");
  CHECK(vectors.found == 2);
  CHECK(row(vectors, "a") == std::vector<float>{0, 0});
  CHECK(row(vectors, "c") == std::vector<float>{7, 8});
}

TEST_CASE("word vectors: values below float's range are zero") {
  CHECK(row(load("a 1e-60 -1e-300\n"), "a") == std::vector<float>{0, 0});
}

TEST_CASE("word vectors: messages name file and line") {
  CHECK_HAS(error(""), "no vectors in the file");
  CHECK_HAS(error("3 2\n"), "no vectors in the file");
  CHECK_HAS(error("a 1 2\nb 1\n"), "words.vec, line 2: 1 values where the file's vectors have 2");
  CHECK_HAS(error("a 1 2\nother 1\n"), "line 2: 1 values");
  CHECK_HAS(error("a 1 2\nb 1 2 3\n"), "line 2: 3 values");
  CHECK_HAS(error("1 3\na 1 2\n"), "line 2: 2 values where the file's vectors have 3");
  CHECK_HAS(error("1 999999999\na 1 2\n"), "line 2: 2 values");
  CHECK_HAS(error("a 1 2\n\nb 1 2\n"), "line 2: 0 values");
  CHECK_HAS(error("a 1 x\n"), "line 1: 'x' is not a number");
  CHECK_HAS(error("a 1  2\n"), "line 1: '' is not a number");
  CHECK_HAS(error("b 1 2\na 1 2,5\n"), "line 2: '2,5' is not a number");
  for (const char* value : {"nan", "inf", "-inf", "1e39"}) {
    CHECK_HAS(error(fmt::format("a 1 {}\n", value)), fmt::format("'{}' is not a finite number", value));
  }
  CHECK_HAS(error("a 1 1e400\n"), "not a");
  CHECK_HAS(error("0 3\n"), "line 1: a count and a width above 0");
  CHECK_HAS(error("3 2\na 1 2\n"), "the file ends after 1 vectors, but its first line says 3");
  CHECK_HAS(error("\x1F\x8B\x08\n"), "not a word with its vector");
}

TEST_CASE("word vectors: no such file, or a folder") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH_AS(load_word_vectors(folder / "none.vec", vocabulary()), doctest::Contains("No such file"),
                       InputError);
  CHECK_THROWS_WITH_AS(load_word_vectors(folder.path(), vocabulary()), doctest::Contains("directory"), InputError);
}

TEST_CASE("word vectors: word2vec's binary form, with and without newlines") {
  const auto entry = [](const std::string& word, std::vector<float> values) {
    return word + " " + std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  };
  const std::string b = entry("b", {1.0F, -2.5F, 0.1F}), c = entry("caf\xC3\xA9", {3, 4, 5}),
                    other = entry("B", {7, 7, 7});
  for (const std::string& content : {"3 3\n" + b + "\n" + other + "\n" + c + "\n", "3 3\n" + b + other + c,
                                     "4 3\n" + b + other + c + entry("b", {0, 0, 0})}) {
    const WordVectors vectors = load(content);
    CHECK(vectors.width == 3);
    CHECK(vectors.found == 2);
    CHECK(row(vectors, "b") == std::vector<float>{1.0F, -2.5F, 0.1F});
    CHECK(row(vectors, "caf\xC3\xA9") == std::vector<float>{3, 4, 5});
    CHECK(row(vectors, "a") == std::vector<float>{0, 0, 0});
  }
  CHECK_HAS(error("4 3\n" + b + other + c), "cut short");
  CHECK_HAS(error("3 3\n" + b + other + c.substr(0, c.size() - 1)), "vector 3 of 3 (binary): the file is cut short");
  CHECK_HAS(error("2 3\n" + b + other + c), "bytes after the last vector");
  CHECK_HAS(error("2 3\n" + b + entry("a", {0, std::numeric_limits<float>::infinity(), 0})), "finite");
  CHECK_HAS(error("2 3\n" + b + entry("\xFF", {0, 0, 0})), "no word in UTF-8");
  CHECK_HAS(error("9000000000 3\n" + b), "cut short");
}

TEST_CASE("word vectors: missing rows can be drawn") {
  WordVectors vectors = load("b 1 2 3\n");
  const std::vector<float> before = row(vectors, "b");
  draw_missing(vectors, 5);
  CHECK(row(vectors, "b") == before);
  CHECK(row(vectors, "a") != std::vector<float>{0, 0, 0});
  for (size_t i = 0; i < 3; ++i) CHECK(vectors.rows[i] == 0.0F);
  WordVectors again = load("b 1 2 3\n"), other = load("b 1 2 3\n");
  draw_missing(again, 5);
  draw_missing(other, 6);
  CHECK(again.rows == vectors.rows);
  CHECK(other.rows != vectors.rows);
}
