// Word vectors in fastText's, GloVe's and word2vec's forms, as many tools write them, and the refusal of anything else.
#include "engine/data/word_vectors.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "engine/io/checksum.h"
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
  std::ofstream(folder / "words.vec", std::ios::binary) << content;  // write_atomically waits for the disk
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
  const WordVectors vectors = load("a 1 2\na 3 4\nother 1 2\nother 3 4\n");
  CHECK(vectors.found == 1);
  CHECK(vectors.repeated == 1);
  CHECK(row(vectors, "a") == std::vector<float>{1, 2});
}

TEST_CASE("word vectors: reserved words are taken from the file, padding stays zero") {
  const WordVectors vectors = load("<0> 1 1\n<UNK> 2 3\n<SOS> 4 5\n<EOS> 6 7\na 8 9\n");
  CHECK(vectors.found == 4);
  CHECK(std::vector<float>(vectors.rows.begin(), vectors.rows.begin() + 8) ==
        std::vector<float>{0, 0, 2, 3, 4, 5, 6, 7});
}

TEST_CASE("word vectors: GloVe's words with blanks are passed over") {
  const WordVectors vectors = load("b 1 2\n. . . 3 4\na name@domain.com 5 6\nc 7 8\n");
  CHECK(vectors.found == 2);
  CHECK(row(vectors, "a") == std::vector<float>{0, 0});
  CHECK(row(vectors, "c") == std::vector<float>{7, 8});
}

TEST_CASE("word vectors: a longer line is no word with blanks where no values stand at its end") {
  CHECK_HAS(error("a 1 2 3\nThe quick brown fox jumps\n"), "line 2: 4 values where the file's vectors have 3");
  CHECK_HAS(error("a 1 2 3\n. . . 1 2 x\n"), "line 2: 5 values where the file's vectors have 3");
  CHECK_HAS(error("2 3\na 1 2 3\n. . . x 2 3\n"), "line 3: 5 values where the file's vectors have 3");
}

TEST_CASE("word vectors: values below float's range are zero") {
  CHECK(row(load("a 1e-60 -1e-300\nb 1 1\n"), "a") == std::vector<float>{0, 0});
  // Beyond double's range, too.
  CHECK(row(load("a 1e-400 -0.1e-999\nb 1 1\n"), "a") == std::vector<float>{0, 0});
}

TEST_CASE("word vectors: messages name file and line") {
  CHECK_HAS(error(""), "no vectors in the file");
  CHECK_HAS(error("3 2\n"), "no vectors in the file");
  CHECK_HAS(error("a 1 2\nb 1\n"), "words.vec, line 2: 1 values where the file's vectors have 2");
  CHECK_HAS(error("a 1 2\nother 1\n"), "line 2: 1 values");
  CHECK_HAS(error("a 1 2\nb 1 2 3\n"), "line 2: 3 values");
  CHECK_HAS(error("1 3\na 1 2\n"), "line 2: 2 values where the file's vectors have 3");
  CHECK_HAS(error("1 9999\na 1 2\n"), "line 2: 2 values");
  // A line of 20 KB must not take a row of that width for every word of the data set.
  std::string wide = "a";
  for (int i = 0; i < 10001; ++i) wide += " 1";
  CHECK_HAS(error(wide + "\n"), "line 1: a width of 10001, where 10000 is the most");
  CHECK_HAS(error("1 999999999\n" + wide + "\n"), "line 1: a width of 999999999, where 10000 is the most");
  CHECK_HAS(error("a 1 2\n\nb 1 2\n"), "line 3: an empty line between vectors");
  CHECK_HAS(error("a 1 x\n"), "line 1: 'x' is not a number");
  CHECK_HAS(error("a 1 +-5\n"), "line 1: '+-5' is not a number");
  CHECK_HAS(error("b 1 2\na 1 2,5\n"), "line 2: '2,5' is not a number");
  for (const char* value : {"nan", "inf", "-inf", "1e39", "1e400", "-1e400"}) {
    CHECK_HAS(error(fmt::format("a 1 {}\n", value)), fmt::format("'{}' is not a finite number", value));
  }
  CHECK_HAS(error("0 3\n"), "line 1: a count and a width above 0");
  CHECK_HAS(error("3 2\na 1 2\n"), "the file ends after 1 vectors, but its first line says 3");
  CHECK_HAS(error("\x1F\x8B\x08\n"), "the gzip file is cut short");
}

TEST_CASE("word vectors: values that say nothing of the words are an error") {
  CHECK_HAS(error("a 0 0\nb 0 0.0\nother 1 2\n"), "the vectors of all words of the data set are zero");
  CHECK_HAS(error("a 12\nb 7\n"), "looks like a list of words with a count or number each");
  CHECK(load("a 0.5\nb 7\n").width == 1);
  CHECK(load("a 0 0\nb 0 1\n").found == 2);
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
  CHECK_HAS(error("3 3\n" + b + entry("\xFF", {0, 0, 0}) + entry("\xFE", {0, 0, 0})), "2 words are not UTF-8");
  CHECK_HAS(error("1 3\n" + entry(std::string(20000, 'x'), {0, 0, 0})), "is no word");
  CHECK_HAS(error("1 2000000000\n" + b), "vector 1 of 1 (binary): a width of 2000000000");
  CHECK_HAS(error("1 9999\n" + b), "cut short");
  CHECK_HAS(error("1 10001\n" + b), "vector 1 of 1 (binary): a width of 10001, where 10000 is the most");
  CHECK_HAS(error("9000000000 3\n" + b), "cut short");
}

namespace {

/// Random files in word2vec's binary form.
class BinaryFiles {
 public:
  /// Six words with random values; those whose places are in `blanks` have a blank.
  std::string make(int32_t width, bool newlines, const std::vector<size_t>& blanks) {
    std::vector<std::string> words = {"x", "a", "the", "b", "other", "c"};
    for (const size_t i : blanks) words[i] = word_with_blank(words[i]);
    std::string content = fmt::format("{} {}\n", words.size(), width);
    const float scale = std::exp2(static_cast<float>(draw() % 8) - 6);
    for (const std::string& word : words) {
      content += word + " ";
      std::normal_distribution<float> normal(0, scale);
      std::vector<float> values(width);
      for (float& value : values) value = normal(random_);
      content.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
      if (newlines) content += "\n";
    }
    return content;
  }
  uint32_t draw() { return random_(); }

 private:
  std::string word_with_blank(const std::string& word) {
    static const std::vector<std::string> kEnds = {" ",
                                                   "  ",
                                                   " y",
                                                   " york",
                                                   " of the",
                                                   " 12",
                                                   " S.A.",
                                                   " a b c d e",
                                                   " caf\xC3\xA9",
                                                   " noir \xE9",
                                                   " new york city of new york"};
    const std::string& end = kEnds[draw() % kEnds.size()];
    return draw() % 8 == 0 ? " " + word : word + end;
  }

  std::mt19937 random_{1};
};

}  // namespace

TEST_CASE("word vectors: a binary file whose words have blanks is refused, whatever its bytes") {
  BinaryFiles files;
  for (const int32_t width : {1, 2, 3, 4, 5, 8, 20, 50, 300}) {
    for (int i = 0; i < 300; ++i) {
      std::vector<size_t> blanks = {files.draw() % 6};
      if (i % 4 == 0) blanks.push_back(files.draw() % 6);
      const std::string message = error(files.make(width, i % 2 == 0, blanks));
      CAPTURE(width);
      CAPTURE(i);
      CHECK_HAS(message, "words.vec");
    }
  }
  const auto entry = [](const std::string& word, std::vector<float> values) {
    return word + " " + std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  };
  CHECK_HAS(error("2 3\n" + entry("new york", {0.3F, -0.1F, 0.2F}) + entry("a", {1, 2, 3})),
            "vector 1 of 2 (binary): the word 'new york' seems to have a blank in it, which the binary format cannot");
}

TEST_CASE("word vectors: binary files without blanks in words are read, whatever their bytes") {
  BinaryFiles files;
  for (const int32_t width : {8, 20, 50, 300}) {
    for (int i = 0; i < 300; ++i) CHECK(load(files.make(width, i % 2 == 0, {})).found == 3);
  }
}

TEST_CASE("word vectors: what other tools write is read") {
  const auto check = [](const std::string& content, int64_t found) {
    INFO(content);
    const WordVectors vectors = load(content);
    CHECK(vectors.found == found);
    CHECK(row(vectors, "b") == std::vector<float>{3, 4});
    return vectors;
  };
  check(
      "\xEF\xBB\xBF"
      "a 1 2\nb 3 4\n",
      2);
  check(
      "\xEF\xBB\xBF"
      "2 2\na 1 2\nb 3 4\n",
      2);
  check("a\t1\t2\nb\t3\t4\n", 2);
  check("2\t2\na\t1 2\nb\t3 4\t\n", 2);
  check("a  1  2   \n b 3 4 \r\n", 2);
  check("a 1 2\nb +3.0e0 4\n\n \n\r\n", 2);
  check("a 1 2\rb 3 4\r", 2);
  check("2 2\n. . . 1 2\nb 3 4\n", 1);
  check("2 2\n 1 2\nb 3 4\n", 1);  // an empty word
  CHECK(check("a 1 2\ncaf\xE9 5 6\nb 3 4\n", 2).not_utf8 == 1);
}

TEST_CASE("word vectors: word2vec cuts words inside a character; they are passed over and counted") {
  const auto entry = [](const std::string& word, std::vector<float> values) {
    return word + " " + std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  };
  const WordVectors vectors = load("4 2\n" + entry("caf\xC3", {1, 1}) + "\n" + entry("b", {3, 4}) + "\n" +
                                   entry("\xE7\x94", {1, 1}) + "\n" + entry("caf\xC3\xA9", {5, 6}) + "\n");
  CHECK(vectors.not_utf8 == 2);
  CHECK(vectors.found == 2);
  CHECK(row(vectors, "caf\xC3\xA9") == std::vector<float>{5, 6});
}

TEST_CASE("word vectors: a file that is something else is named") {
  CHECK_HAS(error("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 6\n"),
            "looks like a pointer of Git LFS");
  CHECK_HAS(error("<html><head><title>404 Not Found</title></head></html>"),
            "line 1: 'Not' is not a number; every line must be a word and its values, with blanks between them "
            "(.vec or .txt); this looks like a web page");
  CHECK_HAS(error("{\"the\": [0.1, 0.2]}"), "'[0.1,' is not a number");
  CHECK_HAS(error("{\"the\": [0.1, 0.2]}"), "this looks like JSON");
  CHECK_HAS(error("{\"the\":[0.1,0.2]}"), "this looks like JSON");
  CHECK_HAS(error("see the other folder for the real vectors\n"), "line 1: 'the' is not a number");
  CHECK_HAS(error("the,0.1,0.2\n"), "'the,0.1,0.2' has no values; every line must be a word and its values");
  CHECK_HAS(error("the,0.1,0.2\n"), "this may be a table (CSV)");
  CHECK_HAS(error("\xBA\x16\x4F\x2F\x0C"), "looks like a model of fastText in its binary form (.bin)");
}

TEST_CASE("word vectors: a file that covers no word is an error with the likely cause") {
  CHECK_HAS(error("A 1 2\nCAF\xC3\x89 3 4\n"),
            "words.vec has a vector for none of the 4 words of the data set; 50 % stand "
            "in it with capital letters only");
  CHECK_HAS(error("\xD1\x84 1 2\n"), "written in Cyrillic and those of the texts in Latin");
  CHECK_HAS(error("x 1 2\n"), "may be for another language or another kind of texts");
  CHECK_HAS(error("<UNK> 1 2\n"), "has a vector for none of the 4 words");
}

TEST_CASE("word vectors: the file is read once, and its checksum is of what was read") {
  const TemporaryFolder folder;
  const std::string content = "a 1 2\nb 3 4\n";
  const auto pipe = folder / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  std::thread writer([&] {
    FILE* out = std::fopen(pipe.c_str(), "wb");
    std::fwrite(content.data(), 1, content.size(), out);
    std::fclose(out);
  });
  const WordVectors vectors = load_word_vectors(pipe, vocabulary());
  writer.join();
  CHECK(vectors.found == 2);
  CHECK(vectors.checksum == sha256(content));
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
