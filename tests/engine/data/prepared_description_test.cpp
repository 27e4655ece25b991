// dataset.json without a fact, or with one of another type or size, is refused before anything is read from it, though
// its checksum is right.
#include "engine/data/prepared_description.h"

#include <doctest/doctest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/data/prepared.h"
#include "engine/io/checksum.h"
#include "engine/io/files.h"
#include "tests/support/input_error.h"
#include "tests/support/small_prepared.h"
#include "tests/support/temporary_folder.h"

using namespace notnot;
using Json = nlohmann::json;

namespace {

/// Writes the description with its checksum.
void seal(const std::filesystem::path& folder, Json description) {
  description.erase("checksum");
  description["checksum"] = sha256(description.dump(2) + "\n");
  write_atomically(folder / "dataset.json", description.dump(2) + "\n");
}

const std::vector<const char*> kNeeded = {"name",
                                          "corpus",
                                          "synthetic",
                                          "classes",
                                          "vocabulary",
                                          "options",
                                          "options/min_df",
                                          "options/length_filter",
                                          "options/min_length",
                                          "options/max_length",
                                          "splits",
                                          "splits/train/negative",
                                          "splits/dev/positive",
                                          "splits/test/tokens",
                                          "splits/test/before_length_filter/positive",
                                          "choices",
                                          "files",
                                          "files/texts.csv/sha256",
                                          "files/vectors.safetensors/bytes",
                                          "vectors/width",
                                          "vectors/found"};

}  // namespace

TEST_CASE("prepared description: every fact is needed, and of its type") {
  const TemporaryFolder folder;
  write_small_prepared(folder / "small", {"a warning"});
  const Json good = Json::parse(read_file(folder / "small/dataset.json"));
  CHECK(fault_of_description(good).empty());
  for (const std::string key : kNeeded) {
    CAPTURE(key);
    const Json::json_pointer place("/" + key);
    Json without = good;
    without[place.parent_pointer()].erase(place.back());
    CHECK_HAS(fault_of_description(without), "`" + key);
    for (const Json& wrong : {Json(-2), Json(1e300), Json(nullptr), Json::array({Json::array()}), Json(UINT64_MAX)}) {
      Json other = good;
      other[place] = wrong;
      CHECK_HAS(fault_of_description(other), "`" + key);
    }
    seal(folder / "small", without);
    CHECK_HAS(input_error([&] { PreparedFolder(folder / "small"); }), "dataset.json is damaged: `" + key);
  }
}

TEST_CASE("prepared description: facts that some folders have are of their type, too") {
  const TemporaryFolder folder;
  write_small_prepared(folder / "small", {"a warning"});
  const Json good = Json::parse(read_file(folder / "small/dataset.json"));
  for (const char* key :
       {"/choices/tokenise", "/choices/word_boundaries", "/warnings", "/confidential", "/choices/also_in_training"}) {
    Json other = good;
    other[Json::json_pointer(key)] = 7;
    CHECK_HAS(fault_of_description(other), "`" + std::string(key + 1));
  }
}

TEST_CASE("prepared description: the name of the data set can name a folder, and the vocabulary has a size") {
  const TemporaryFolder folder;
  write_small_prepared(folder / "small");
  const Json good = Json::parse(read_file(folder / "small/dataset.json"));
  const auto complaint = [&](const char* key, const Json& value) {
    Json other = good;
    other[Json::json_pointer(key)] = value;
    seal(folder / "small", other);
    return input_error([&] { PreparedFolder(folder / "small"); });
  };
  for (const std::string& name :
       {std::string(1, '\0'), std::string("a\0b", 3), std::string("a\nb"), std::string("\x1b[2J"), std::string("\x7f"),
        std::string("\u0085"), std::string("a/b"), std::string("/"), std::string(), std::string("."), std::string(".."),
        std::string(256, 'a')}) {
    CAPTURE(name);
    CHECK_HAS(complaint("/name", name), (folder / "small/dataset.json").string() + " is damaged: `name` is '");
  }
  for (const std::string& name : {std::string("..."), std::string("SST 2 \u00e4\u8a9e"), std::string(255, 'a')}) {
    CHECK(complaint("/name", name) == "no InputError was thrown");
  }
  CHECK_HAS(complaint("/files/vocabulary.txt/bytes", (int64_t{1} << 30) + 1), "`files/vocabulary.txt/bytes` is");
}

TEST_CASE("prepared: word vectors with a value that is not finite are refused") {
  const TemporaryFolder folder;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float value : {kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()}) {
    const std::string name = fmt::format("{}", value);
    write_small_prepared(folder / name, {}, value);
    CHECK(input_error([&] { (void)PreparedFolder(folder / name).vectors(); }) ==
          fmt::format("{} is damaged: the vector of the word in line 5 of vocabulary.txt has the value {}; prepare the "
                      "data set again",
                      (folder / name / "vectors.safetensors").string(), value));
  }
}

TEST_CASE("prepared: counts are those of the data, and files are those that a folder has") {
  const TemporaryFolder folder;
  write_small_prepared(folder / "small", {"a warning"});
  const Json good = Json::parse(read_file(folder / "small/dataset.json"));
  const auto complaint = [&](const char* key, const Json& value) {
    Json other = good;
    other[Json::json_pointer(key)] = value;
    seal(folder / "small", other);
    return input_error([&] { (void)PreparedFolder(folder / "small").dataset(); });
  };
  CHECK(complaint("/name", "small") == "no InputError was thrown");
  CHECK_HAS(complaint("/splits/dev/tokens", 10), "the dev split: other counts than in dataset.json");
  CHECK_HAS(complaint("/splits/test/positive", 0), "the test split: other counts than in dataset.json");
  CHECK_HAS(complaint("/files/..~1..~1etc~1passwd", {{"bytes", 1}, {"sha256", ""}}),
            "is no file of a prepared data set");
  seal(folder / "small", good);
  std::filesystem::rename(folder / "small/texts.csv", folder / "texts.csv");
  std::filesystem::create_symlink("/dev/zero", folder / "small/texts.csv");
  CHECK_HAS(input_error([&] { PreparedFolder(folder / "small"); }),
            "texts.csv is damaged: there is a device and no file");
}
