// Attention from elsewhere: every form gives the same log-weights, worked out by hand; every mistake is named with its
// place and the remedy.
#include "engine/runs/external_attention.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/io/checksum.h"
#include "engine/io/files.h"
#include "engine/io/safetensors.h"
#include "engine/runs/run_writer.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

using namespace notnot;

namespace {

constexpr float kNothing = -std::numeric_limits<float>::infinity();

/// The vocabulary lacks "rare", because no training text has it.
Dataset films() {
  return make_dataset("films",
                      {{"a good film", 1, SplitName::train, 1},
                       {"a bad film", 0, SplitName::train, 7},
                       {"a rare film", 1, SplitName::dev, 1},
                       {"good", 1, SplitName::test, 1},
                       {"bad film", 0, SplitName::test, 2}},
                      {});
}

/// The same texts with ids of their own. One of them looks like another text's row, one stands in two splits, one text
/// has none.
Dataset named_films() {
  return make_dataset("named",
                      {{"a good film", 1, SplitName::train, 1, "x/1"},
                       {"a bad film", 0, SplitName::train, 7, "1"},
                       {"a rare film", 1, SplitName::dev, 1, "007"},
                       {"good", 1, SplitName::test, 1, "x/1"},
                       {"bad film", 0, SplitName::test, 2}},
                      {});
}

using Lines = std::vector<std::string>;

/// A good file. Its order is not that of the data set.
const Lines kLines = {
    R"({"split": "test", "row": 2, "attention": [1, 4]})",
    R"({"split": "train", "row": 1, "attention": [0.25, 0.25, 0.5], "label": "ignored"})",
    R"({"split": "train", "row": 7, "attention": [0, 3, 1], "tokens": ["a", "bad", "film"]})",
    R"({"split": "dev", "row": 1, "tokens": ["a", "rare", "film"], "attention": [1e308, 1e308, 1e308]})",
    R"({"split": "test", "row": 1, "attention": [7]})"};
constexpr int kLastLine = 5;

// Natural logs of the weights: train 1/4, 1/4, 1/2 and 0, 3/4, 1/4; dev thirds; test 1 and 1/5, 4/5.
const LogAttention kExpected = {
    {kNothing, -1.3862944F, -1.3862944F, -0.6931472F, kNothing, kNothing, kNothing, -0.2876821F, -1.3862944F, kNothing},
    {kNothing, -1.0986123F, -1.0986123F, -1.0986123F, kNothing},
    {kNothing, 0, kNothing, kNothing, -1.6094379F, -0.2231436F, kNothing}};

void check_close(const LogAttention& found, const LogAttention& expected) {
  for (const SplitName s : kSplitNames) {
    REQUIRE(found[s].size() == expected[s].size());
    for (size_t i = 0; i < expected[s].size(); ++i) {
      CAPTURE(to_string(s));
      CAPTURE(i);
      if (expected[s][i] == kNothing) {
        CHECK(found[s][i] == kNothing);
      } else {
        CHECK(found[s][i] == doctest::Approx(expected[s][i]).epsilon(1e-6));
      }
    }
  }
}

/// Writes a file with these lines and reads it.
LogAttention read_lines(const Lines& lines, Importance importance = Importance::weights,
                        const Dataset& dataset = films()) {
  const TemporaryFolder folder;
  std::string content;
  for (const std::string& line : lines) content += line + "\n";
  write_atomically(folder / "attention.jsonl", content);
  return read_external_attention(folder / "attention.jsonl", dataset, importance).log_attention;
}

/// The message when `line` replaces line `number` (1 is the first) of the good file.
std::string complaint(int number, const std::string& line, Importance importance = Importance::weights) {
  Lines lines = kLines;
  lines[number - 1] = line;
  std::string message = input_error([&] { read_lines(lines, importance); });
  CHECK_HAS(message, fmt::format("attention.jsonl, line {}: ", number));
  return message;
}

/// The good file as tensors, which a test may damage.
struct Tensors {
  BySplit<std::vector<float>> attention = {{0.25F, 0.25F, 0.5F, 0, 3, 1}, {2, 2, 2}, {7, 1, 4}};
  BySplit<std::vector<int64_t>> offsets = {{0, 3, 6}, {0, 3}, {0, 1, 3}};
  BySplit<std::vector<int64_t>> rows = {{1, 7}, {1}, {1, 2}};
  bool has_rows = true;

  std::vector<TensorView> views() const {
    std::vector<TensorView> result;
    for (const SplitName split : kSplitNames) {
      const auto add = [&](const char* name, DType dtype, const auto& values) {
        result.push_back({fmt::format("{}/{}", to_string(split), name),
                          dtype,
                          {static_cast<int64_t>(values.size())},
                          values.data()});
      };
      add("attention", DType::f32, attention[split]);
      add("offsets", DType::i64, offsets[split]);
      if (has_rows) add("row", DType::i64, rows[split]);
    }
    return result;
  }
};

LogAttention read_tensors(const std::vector<TensorView>& views, Importance importance = Importance::weights) {
  const TemporaryFolder folder;
  write_safetensors(folder / "attention.safetensors", views);
  return read_external_attention(folder / "attention.safetensors", films(), importance).log_attention;
}

std::string complaint(const std::vector<TensorView>& views) {
  std::string message = input_error([&] { read_tensors(views); });
  CHECK_HAS(message, "attention.safetensors");
  return message;
}

/// A finished run's attention files for `dataset`.
void write_run(const std::filesystem::path& path, const Dataset& dataset, const LogAttention& attention) {
  RunWriter writer{RunFolder(path)};
  for (const SplitName name : kSplitNames) {
    const Split& split = dataset.split(name);
    writer.write_attention(name, split, attention[name], std::vector<float>(split.labels.size(), 0.5F));
  }
}

TEST_CASE("every form gives the same log-weights") {
  check_close(read_lines(kLines), kExpected);
  check_close(read_tensors(Tensors().views()), kExpected);
  Tensors without_rows;
  without_rows.has_rows = false;
  check_close(read_tensors(without_rows.views()), kExpected);

  const TemporaryFolder folder;
  const LogAttention attention = read_lines(kLines);
  write_run(folder / "run", films(), attention);
  const ExternalAttention read = read_external_attention(folder / "run", films(), Importance::weights);
  CHECK(read.log_attention == attention);
  CHECK(read.checksum == RunFolder(folder / "run").attention_checksum());
}

TEST_CASE("a run folder that is trained again while it is read gives one version with its checksum, or an error") {
  constexpr int kVersions = 200;
  const TemporaryFolder folder;
  const RunFolder run(folder / "run");
  const LogAttention attention = read_lines(kLines);
  write_run(run.path(), films(), attention);
  const auto version = [&](int number) {
    std::vector<float> train = attention.train;
    train[1] = std::log(0.5F * number / kVersions);
    train[2] = std::log(0.5F - 0.5F * number / kVersions);
    return train;
  };
  std::map<std::vector<float>, std::string> checksums = {{attention.train, run.attention_checksum()}};
  std::atomic<bool> ended = false;
  std::thread training([&] {
    RunWriter writer(run);
    for (int number = 1; number < kVersions; ++number) {
      writer.write_attention(SplitName::train, films().split(SplitName::train), version(number),
                             std::vector<float>(2, 0.5F));
      checksums[version(number)] = run.attention_checksum();
    }
    ended = true;
  });
  std::vector<ExternalAttention> read;
  while (!ended) {
    try {
      read.push_back(read_external_attention(run.path(), films(), Importance::weights));
    } catch (const InputError& error) {
      CHECK_HAS(std::string(error.what()), "was changed while it was read; wait until nothing trains there");
    }
  }
  training.join();
  for (const ExternalAttention& one : read) CHECK(one.checksum == checksums[one.log_attention.train]);
}

TEST_CASE("double precision is read from safetensors, too") {
  const std::vector<double> values = {1e300, 1e300, 2e300, 0, 3, 1};
  const Tensors tensors;
  std::vector<TensorView> views = tensors.views();
  views[0].dtype = DType::f64;
  views[0].data = values.data();
  check_close(read_tensors(views), kExpected);
}

TEST_CASE("blank lines, carriage returns, a byte order mark and a last line without an end are no matter") {
  Lines lines = kLines;
  lines[0] = "\xEF\xBB\xBF" + lines[0] + "\r";
  lines[1] = "\r\n  \n" + lines[1];
  check_close(read_lines(lines), kExpected);

  const TemporaryFolder folder;
  write_atomically(folder / "a", kLines[0] + "\n" + kLines[1] + "\n" + kLines[2] + "\n" + kLines[3] + "\n" + kLines[4]);
  check_close(read_external_attention(folder / "a", films(), Importance::weights).log_attention, kExpected);
}

TEST_CASE("how importances become weights") {
  Lines lines = kLines;
  const auto check_first = [&](const char* values, Importance importance, std::array<float, 3> logs) {
    CAPTURE(values);
    lines[1] = fmt::format(R"({{"split": "train", "row": 1, "attention": {}}})", values);
    const std::vector<float> found = read_lines(lines, importance).train;
    for (size_t k = 0; k < logs.size(); ++k) {
      CAPTURE(k);
      if (logs[k] == kNothing) {
        CHECK(found[k + 1] == kNothing);
      } else {
        CHECK(found[k + 1] == doctest::Approx(logs[k]).epsilon(1e-6));
      }
    }
    CHECK(found.front() == kNothing);
    CHECK(found[4] == kNothing);
  };
  check_first("[1, 0, 3]", Importance::weights, {-1.3862944F, kNothing, -0.2876821F});    // 1/4, 0, 3/4
  check_first("[-1, 0, 3]", Importance::absolute, {-1.3862944F, kNothing, -0.2876821F});  // the same
  check_first("[-1, 0, 3]", Importance::positive, {kNothing, kNothing, 0});
  check_first("[0, 1.0986122886681098, 0]", Importance::softmax, {-1.6094379F, -0.5108256F, -1.6094379F});  // 1 : 3 : 1
  check_first("[-1000, 0, -2000]", Importance::softmax, {-1000, 0, -2000});
  const float third = -std::log(3.0F);
  for (const char* equal : {"[1e13, 1e13, 1e13]", "[1e37, 1e37, 1e37]", "[-1e300, -1e300, -1e300]"})
    check_first(equal, Importance::softmax, {third, third, third});
  check_first("[1e-320, 1e-320, 0]", Importance::weights, {-0.6931472F, -0.6931472F, kNothing});
}

TEST_CASE("lines that say nothing useful") {
  for (const char* line : {"{", "[1]", "17", "{\"split\": \"train\"} x", "{'split': 'train'}"}) {
    CAPTURE(line);
    CHECK_HAS(complaint(2, line), "not a JSON object");
    CHECK_HAS(complaint(2, line), "; every line must be like {\"split\": \"train\", \"row\": 1");
  }
  CHECK_HAS(complaint(1, "[{\"split\": \"train\"}]"),
            "this is a JSON list; write each of its objects on a line of its own");
  const auto with = [](const std::string& attention) {
    return complaint(2, R"({"split": "train", "row": 1, "attention": )" + attention + "}");
  };
  CHECK_HAS(with("[NaN, 1, 1]"), "NaN is no number in JSON; every line must be like");
  CHECK_HAS(with("[1, -Infinity, 1]"), "Infinity is no number in JSON");
  CHECK_HAS(with("[1e999, 1, 1]"), "the number '1e999' is too large; every line must be like");
  CHECK_HAS(with("[1, 1, 1], \"row\": 7"), "\"row\" stands twice in one object; every line");
  CHECK_HAS(with(std::string("[1, 1, 1]}\0", 11)), "byte 53 of it is NUL");
  CHECK_HAS(complaint(2, "\xFF"), "byte 1 of it is not UTF-8");
  CHECK_HAS(complaint(2, R"({"row": 1, "attention": [1, 1, 1]})"), "there is no 'split'; every line needs");
  CHECK_HAS(complaint(2, R"({"split": "train", "attention": [1, 1, 1]})"),
            "there is no 'row'; every line needs split, row (or id) and attention");
  CHECK_HAS(complaint(2, R"({"split": "train", "row": null, "attention": [1, 1, 1]})"), "there is no 'row'");
  CHECK_HAS(complaint(2, R"({"split": "train", "row": 1, "weights": [1, 1, 1]})"),
            "text 1 of the train split: there is no 'attention'; give a number for each of its words");
}

TEST_CASE("texts that the data set does not have") {
  CHECK_HAS(complaint(2, R"({"split": "eval", "row": 1, "attention": [1]})"),
            "the split 'eval' is none of train, dev (or val, valid, validation) and test");
  CHECK_HAS(complaint(2, R"({"split": 3, "row": 1, "attention": [1]})"), "the split 3 is none of");
  CHECK_HAS(complaint(2, R"({"split": "train", "row": 2, "attention": [1]})"),
            "the train split of films has no text with the row 2; compute the attention on the same data set");
  CHECK_HAS(complaint(2, R"({"split": "train", "row": 2.0, "attention": [1]})"), "no text with the row 2; ");
  CHECK_HAS(complaint(2, R"({"split": "train", "row": -1, "attention": [1]})"), "no text with the row -1; ");
  using Shown = std::pair<const char*, const char*>;
  for (const auto& [row, shown] : {Shown{"\"1\"", "'1'"}, Shown{"1.5", "1.5"}, Shown{"[[1]]", "a list"},
                                   Shown{"{}", "an object"}, Shown{"true", "true"}, Shown{"1e300", "1e+300"}}) {
    const std::string expected = fmt::format("the row is {}, not a whole number; notnot data --tokens writes", shown);
    CHECK_HAS(complaint(2, fmt::format(R"({{"split": "train", "row": {}, "attention": [1]}})", row)), expected);
  }
}

TEST_CASE("rows and ids may be written as 1.0, as pandas does") {
  Lines lines = kLines;
  lines[1] = R"({"split": "train", "row": 1.0, "attention": [0.25, 0.25, 0.5]})";
  check_close(read_lines(lines), kExpected);
}

/// The good file with the texts' own ids.
const Lines kNamedLines = {
    R"({"split": "test", "row": 2, "id": null, "attention": [1, 4]})",
    R"({"split": "train", "id": "x/1", "key": "id", "attention": [0.25, 0.25, 0.5]})",
    R"({"split": "train", "id": 1.0, "attention": [0, 3, 1], "tokens": ["a", "bad", "film"]})",
    R"({"split": "dev", "row": 1, "id": "007", "key": "row", "attention": [1e308, 1e308, 1e308]})",
    R"({"split": "test", "id": "x/1", "tokens": ["good"], "attention": [7]})"};

/// The message when `line` replaces the second of these lines.
std::string named_complaint(const std::string& line, const Dataset& dataset = named_films()) {
  Lines lines = kNamedLines;
  lines[1] = line;
  std::string message = input_error([&] { read_lines(lines, Importance::weights, dataset); });
  CHECK_HAS(message, "attention.jsonl, line 2: ");
  return message;
}

TEST_CASE("texts by the ids of the data itself") {
  check_close(read_lines(kNamedLines, Importance::weights, named_films()), kExpected);
  check_close(read_lines(kLines, Importance::weights, named_films()), kExpected);  // rows need no ids
}

TEST_CASE("an id that could be anybody's is refused") {
  // '1' is the id of row 7, and row 1 is another text: without words nothing tells which is meant.
  CHECK_HAS(named_complaint(R"({"split": "train", "id": 1, "attention": [1, 1, 1]})"),
            "with 'id' alone nothing shows whose number it is; add \"key\": \"id\" if it is the id of the data itself, "
            "call it 'row' if it is the number of the record, or add the text's words as 'tokens'");
  CHECK_HAS(named_complaint(R"({"split": "train", "id": "x/2", "key": "id", "attention": [1, 1, 1]})"),
            "the train split of named has no text with the id 'x/2' (ids are compared as texts");
  CHECK_HAS(named_complaint(R"({"split": "dev", "id": 7, "key": "id", "attention": [1, 1, 1]})"),
            "no text with the id '7'");
  CHECK_HAS(named_complaint(R"({"split": "train", "id": "", "key": "id", "attention": [1]})"),
            "no text with the id ''");
  CHECK_HAS(named_complaint(R"({"split": "train", "id": 1.5, "key": "id", "attention": [1]})"),
            "the id is 1.5, neither a string nor a whole number; write it as a string");
  CHECK_HAS(named_complaint(R"({"split": "train", "id": ["x"], "key": "id", "attention": [1]})"), "the id is a list");
  CHECK_HAS(named_complaint(R"({"split": "train", "id": null, "key": "id", "attention": [1]})"),
            "this text has no id of its own; name it by its 'row'");
  CHECK_HAS(named_complaint(R"({"split": "train", "id": null, "attention": [1]})"), "there is no 'row'");
  CHECK_HAS(named_complaint(R"({"split": "train", "id": "x/1", "key": "row", "attention": [1]})"), "there is no 'row'");
  CHECK_HAS(named_complaint(R"({"split": "train", "row": 1, "key": "id", "attention": [1]})"), "there is no 'id'");
  CHECK_HAS(named_complaint(R"({"split": "train", "id": "x/1", "key": "ids", "attention": [1]})"),
            "the key 'ids' is neither 'row' nor 'id'");
  // The id of the record's number, with the words of the record.
  CHECK_HAS(named_complaint(R"({"split": "train", "id": 1, "tokens": ["a", "good", "film"], "attention": [1, 1, 1]})"),
            "text 7 of the train split: token 2 is 'good' where the data set has 'bad'");
}

TEST_CASE("row and id must name the same text") {
  CHECK_HAS(named_complaint(R"({"split": "train", "row": 1, "id": 1, "attention": [1, 1, 1]})"),
            "text 1 of the train split: its id is 'x/1', not '1'; row and id must name the same text");
  CHECK_HAS(named_complaint(R"({"split": "train", "row": 1, "id": null, "attention": [1, 1, 1]})"),
            "its id is 'x/1', not none");
  CHECK_HAS(named_complaint(R"({"split": "test", "row": 2, "id": "x/1", "attention": [1, 1]})"),
            "its id is none, not 'x/1'");
}

TEST_CASE("ids that several texts of a split have, and texts without ids") {
  Dataset twice = named_films();
  twice.splits.train.ids = {};
  for (const char* id : {"x/1", "x/1"}) twice.splits.train.ids.push_back(id);
  CHECK_HAS(named_complaint(R"({"split": "train", "id": "x/1", "key": "id", "attention": [1, 1, 1]})", twice),
            "the train split of named has several texts with the id 'x/1'; name each by its 'row'");
  Lines lines = kNamedLines;
  lines[1] = R"({"split": "train", "row": 1, "id": "x/1", "attention": [0.25, 0.25, 0.5]})";
  lines[2] = R"({"split": "train", "row": 7, "id": "x/1", "attention": [0, 3, 1]})";
  check_close(read_lines(lines, Importance::weights, twice), kExpected);

  for (const char* rest : {"", R"("key": "id", )", R"("row": 1, )", R"("tokens": ["a", "good", "film"], )"}) {
    CAPTURE(rest);
    const std::string line = fmt::format(R"({{"split": "train", "id": 1, {}"attention": [1, 1, 1]}})", rest);
    CHECK_HAS(complaint(2, line),
              "the texts of films have no ids of their own; name them by 'row', which notnot data --tokens writes");
  }
}

TEST_CASE("every text once") {
  CHECK_HAS(complaint(kLastLine, kLines[1]),
            "text 1 of the train split: stands on line 2 already; give every text once");
  const auto missing = [](const Lines& lines) { return input_error([&] { read_lines(lines); }); };
  CHECK_HAS(missing({kLines[0], kLines[1], kLines[3]}),
            "attention.jsonl: 2 texts of films are missing, the first is text 7 of the train split; compute");
  CHECK_HAS(missing({}), "5 texts of films are missing, the first is text 1 of the train split");
}

TEST_CASE("a row that several texts have") {
  const Dataset twice = make_dataset("twice",
                                     {{"a", 1, SplitName::train, 1},
                                      {"b", 0, SplitName::train, 1},
                                      {"a", 1, SplitName::dev, 1},
                                      {"a", 1, SplitName::test, 1},
                                      {"b", 0, SplitName::test, 2}},
                                     {});
  const TemporaryFolder folder;
  write_atomically(folder / "attention.jsonl", R"({"split": "train", "row": 1, "attention": [1]})");
  CHECK_HAS(input_error([&] { read_external_attention(folder / "attention.jsonl", twice, Importance::weights); }),
            "line 1: the train split of twice has several texts with the row 1; give the attention as safetensors");
}

TEST_CASE("weights that do not fit the words") {
  const auto first = [](const std::string& attention) {
    return complaint(2, R"({"split": "train", "row": 1, "attention": )" + attention + "}");
  };
  CHECK_HAS(first("[1, 1, 1, 1, 1]"),
            "text 1 of the train split: 5 weights for its 3 words ('a good film'); give each word one, the boundary");
  CHECK_HAS(first("[]"), "0 weights for its 3 words");
  CHECK_HAS(first("1"), "'attention' is no list");
  CHECK_HAS(first("[1, null, 1]"), "text 1 of the train split: weight 2 is null; give every word a finite number");
  CHECK_HAS(first("[1, [], 1]"), "weight 2 is a list; give every word a finite number");
  CHECK_HAS(first("[1, \"0.5\", 1]"), "weight 2 is '0.5'; give every word a finite number");
  CHECK_HAS(first("[0, 0, 0.0]"), "text 1 of the train split: no weight is above 0");
  CHECK_HAS(first("[0.5, 0, -0.5]"),
            "text 1 of the train split: weight 3 is -0.5, below 0; if these are no attention weights, --importance "
            "says how they become some: absolute, positive or softmax");
  CHECK_HAS(complaint(2, R"({"split": "train", "row": 1, "attention": [-1, -2, 0]})", Importance::positive),
            "no weight is above 0");
}

TEST_CASE("tokens that are not the data set's") {
  const auto third = [](const std::string& tokens) {
    return complaint(3, R"({"split": "train", "row": 7, "attention": [1, 1, 1], "tokens": )" + tokens + "}");
  };
  CHECK_HAS(third(R"(["a", "good", "film"])"),
            "text 7 of the train split: token 2 is 'good' where the data set has 'bad'; compute the attention on");
  CHECK_HAS(third(R"(["a", "rare", "film"])"), "token 2 is 'rare'");
  CHECK_HAS(third(R"(["a", "bad"])"), "2 tokens for its 3 words ('a bad film')");
  CHECK_HAS(third(R"(["a", "bad", "film", "!"])"), "4 tokens for its 3 words");
  CHECK_HAS(third(R"([1])"), "token 1 is 1 where");
  CHECK_HAS(third(R"("a bad film")"), "'tokens' is no list");
  CHECK_HAS(third(R"(null)"), "'tokens' is no list");
  CHECK_HAS(third(R"(["a", "<UNK>", "film"])"), "token 2 is '<UNK>' where the data set has 'bad'");
}

TEST_CASE("a word outside the vocabulary is compared, too, and may be called <UNK>") {
  const auto dev = [](const char* word) {
    return fmt::format(R"({{"split": "dev", "row": 1, "tokens": ["a", "{}", "film"], "attention": [1, 1, 1]}})", word);
  };
  Lines lines = kLines;
  lines[3] = dev("<UNK>");
  check_close(read_lines(lines), kExpected);
  CHECK_HAS(complaint(4, dev("other")), "text 1 of the dev split: token 2 is 'other' where the data set has 'rare'");
}

TEST_CASE("safetensors are known by their content, and refused from a pipe") {
  const TemporaryFolder folder;
  write_safetensors(folder / "attention.safetensors", Tensors().views());
  const std::string content = read_file(folder / "attention.safetensors");
  write_atomically(folder / "other name", content);
  for (const char* name : {"attention.safetensors", "other name"}) {
    const ExternalAttention read = read_external_attention(folder / name, films(), Importance::weights);
    check_close(read.log_attention, kExpected);
    CHECK(read.checksum == sha256(content));
  }
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  REQUIRE(::write(ends[1], content.data(), content.size()) == static_cast<ssize_t>(content.size()));
  ::close(ends[1]);
  const std::string pipe = fmt::format("/dev/fd/{}", ends[0]);
  CHECK_HAS(input_error([&] { read_external_attention(pipe, films(), Importance::weights); }), "a safetensors file");
  ::close(ends[0]);
}

TEST_CASE("files that cannot be read") {
  const TemporaryFolder folder;
  const auto read = [&](const char* name) {
    return input_error([&] { read_external_attention(folder / name, films(), Importance::weights); });
  };
  for (const char* name : {"none.jsonl", "none.safetensors"}) {
    CHECK_HAS(read(name), fmt::format("cannot read {}: No such file", (folder / name).string()));
  }
  std::filesystem::create_directory(folder / "empty");
  CHECK_HAS(read("empty"), (folder / "empty" / "attention_train.safetensors").string());
  write_atomically(folder / "text.safetensors", kLines[0]);
  CHECK_HAS(read("text.safetensors"), "not a readable safetensors file");
}

TEST_CASE("tensors of the wrong kind or shape") {
  const Tensors good;
  std::vector<TensorView> views = good.views();
  views[0].shape = {2, 3};
  CHECK_HAS(complaint(views), "tensor `train/attention` has the shape [2, 3] and needs [6], one per word; compute");
  views = good.views();
  views[0].shape = {5};
  CHECK_HAS(complaint(views), "has the shape [5] and needs [6]");
  views = good.views();
  views[1].shape = {2};
  CHECK_HAS(complaint(views), "tensor `train/offsets` has the shape [2] and needs [3], one more than there are texts");
  views = good.views();
  views[8].shape = {1};
  CHECK_HAS(complaint(views), "tensor `test/row` has the shape [1] and needs [2], one per text");
  views = good.views();
  views[0].dtype = DType::i32;
  CHECK_HAS(complaint(views), "tensor `train/attention` is I32 and cannot be read as F64");
  views = good.views();
  views[4].dtype = DType::f64;
  CHECK_HAS(complaint(views), "tensor `dev/offsets` is F64 and cannot be read as I64");
  views = good.views();
  views.pop_back();
  views.pop_back();
  CHECK_HAS(complaint(views), "has no tensor `test/offsets`");
}

TEST_CASE("tensors with the wrong values") {
  Tensors tensors;
  tensors.offsets.train = {1, 3, 6};
  CHECK_HAS(complaint(tensors.views()), "tensor `train/offsets` begins with 1");
  tensors = {};
  tensors.offsets.train = {0, 5, 8};
  CHECK_HAS(complaint(tensors.views()),
            "tensor `train/offsets`: text 1 of the train split has the offsets 0 and 5, which for its 3 words ('a good "
            "film') must be 0 and 3; give each word one weight");
  tensors.offsets.train = {0, 3, std::numeric_limits<int64_t>::min()};
  CHECK_HAS(complaint(tensors.views()), "text 7 of the train split has the offsets 3 and -9223372036854775808");
  tensors = {};
  tensors.rows.test = {1, 3};
  CHECK_HAS(complaint(tensors.views()), "tensor `test/row`: element 1 is 3 where the data set has 2; compute");
  const auto with_weight = [](float weight) {
    Tensors damaged;
    damaged.attention.dev[2] = weight;
    return complaint(damaged.views());
  };
  CHECK_HAS(with_weight(std::numeric_limits<float>::quiet_NaN()),
            "tensor `dev/attention`: text 1 of the dev split: weight 3 is nan; give every word a finite number");
  CHECK_HAS(with_weight(-kNothing), "weight 3 is inf");
  CHECK_HAS(with_weight(-1), "weight 3 is -1, below 0");
  tensors = {};
  tensors.attention.test = {1, 0, 0};
  CHECK_HAS(complaint(tensors.views()), "text 2 of the test split: no weight is above 0");
}

TEST_CASE("a run on other texts") {
  const TemporaryFolder folder;
  const LogAttention attention = read_lines(kLines);
  const auto refused = [&](const Dataset& dataset, Importance importance = Importance::weights) {
    return input_error([&] { read_external_attention(folder / "run", dataset, importance); });
  };
  write_run(folder / "run", films(), attention);
  CHECK_HAS(refused(films(), Importance::softmax), "is a run folder, whose weights are known; read them as weights");

  Dataset other = films();
  other.splits.test.rows = {1, 3};
  CHECK_HAS(refused(other),
            "attention_test.safetensors: its text 2 has the row 2 and 2 words, where films has the row 3 and 2 words; "
            "give a run that was trained on this data set");
  other = films();
  other.splits.train.offsets = {0, 4, 10};
  CHECK_HAS(refused(other), "its text 1 has the row 1 and 3 words, where films has the row 1 and 2 words");
  other = films();
  other.splits.dev = other.splits.train;
  CHECK_HAS(refused(other), "attention_dev.safetensors has 1 texts where the dev split of films has 2");
  other = films();
  other.splits.test.labels = {1, 1};
  CHECK_HAS(refused(other), "its text 2, of row 2, has the label 0, where films has 1; give a run");
}

TEST_CASE("the words that are handed out") {
  const TemporaryFolder folder;
  write_tokens(folder / "tokens.jsonl", films());
  const std::string tokens = read_file(folder / "tokens.jsonl");
  CHECK(tokens == R"({"split":"train","row":1,"label":1,"tokens":["a","good","film"],"unknown":[]}
{"split":"train","row":7,"label":0,"tokens":["a","bad","film"],"unknown":[]}
{"split":"dev","row":1,"label":1,"tokens":["a","rare","film"],"unknown":[1]}
{"split":"test","row":1,"label":1,"tokens":["good"],"unknown":[]}
{"split":"test","row":2,"label":0,"tokens":["bad","film"],"unknown":[]}
)");
  write_tokens(folder / "tokens.jsonl", named_films());
  const std::string named = read_file(folder / "tokens.jsonl");
  CHECK_HAS(named, R"({"split":"train","row":7,"id":"1","label":0,"tokens":["a","bad","film"],"unknown":[]})");
  CHECK_HAS(named, R"({"split":"test","row":2,"id":null,"label":0,"tokens":["bad","film"],"unknown":[]})");
  CHECK_HAS(input_error([&] { write_tokens(folder / "none" / "tokens.jsonl", films()); }), "No such file");
}

TEST_CASE("the words that were handed out come back with weights") {
  for (const Dataset& dataset : {films(), named_films()}) {
    const TemporaryFolder folder;
    write_tokens(folder / "tokens.jsonl", dataset);
    std::string lines = read_file(folder / "tokens.jsonl");
    for (const char* weights : {"0.25, 0.25, 0.5", "0, 3, 1", "1, 1, 1", "7", "1, 4"}) {
      const size_t end = lines.find("]}\n");
      REQUIRE(end != std::string::npos);
      lines.replace(end, 2, fmt::format("], \"attention\": [{}] }}", weights));
    }
    write_atomically(folder / "attention.jsonl", lines);
    check_close(read_external_attention(folder / "attention.jsonl", dataset, Importance::weights).log_attention,
                kExpected);
  }
}

TEST_CASE("the checksum is of what was read, through a pipe, too") {
  const TemporaryFolder folder;
  std::string content;
  for (const std::string& line : kLines) content += line + "\n";
  write_atomically(folder / "a.jsonl", content);
  CHECK(read_external_attention(folder / "a.jsonl", films(), Importance::weights).checksum == sha256(content));
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  std::thread writer([&] { std::ofstream(folder / "pipe") << content; });
  const ExternalAttention piped = read_external_attention(folder / "pipe", films(), Importance::weights);
  writer.join();
  CHECK(piped.checksum == sha256(content));
  check_close(piped.log_attention, kExpected);
}

}  // namespace

TEST_CASE("attention lines: a label must be the text's, where it is one") {
  const auto line = [](const std::string& label) {
    return R"({"split": "test", "row": 2, "attention": [1, 4], "label": )" + label + "}";
  };
  for (const char* wrong : {"1", "1.0", "true", R"("1")", R"("True")"}) {
    CHECK_HAS(
        complaint(1, line(wrong)),
        fmt::format("text 2 of the test split: its label is {} where the data set has 0",
                    wrong[0] == '"' ? "'" + std::string(wrong).substr(1, std::string(wrong).size() - 2) + "'" : wrong));
  }
  for (const char* right : {"0", "0.0", "false", R"("0")", R"("FALSE")", R"("negative")", "2", "-1", "null", "[1]"}) {
    Lines lines = kLines;
    lines[0] = line(right);
    check_close(read_lines(lines), kExpected);
  }
}

TEST_CASE("attention lines: the names of dev that tables may have") {
  for (const std::string name : {"val", "valid", "validation"}) {
    Lines lines = kLines;
    lines[3].replace(lines[3].find("dev"), 3, name);
    check_close(read_lines(lines), kExpected);
  }
}

TEST_CASE("attention tensors: those of other names are not read, and a warning says so") {
  Tensors tensors;
  std::vector<TensorView> views = tensors.views();
  const std::vector<int64_t> ids = {5, 6};
  views.push_back({"train/id", DType::i64, {2}, ids.data()});
  const TemporaryFolder folder;
  write_safetensors(folder / "attention.safetensors", views);
  const ExternalAttention read =
      read_external_attention(folder / "attention.safetensors", films(), Importance::weights);
  check_close(read.log_attention, kExpected);
  REQUIRE(read.warnings.size() == 1);
  CHECK_HAS(read.warnings[0],
            "attention.safetensors: tensors that are not read and not compared: 'train/id'; attention, offsets");
}
