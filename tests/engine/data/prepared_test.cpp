// Prepared folders: what is written is what is read, mapped; anything damaged is refused; nothing is left half-written.
#include "engine/data/prepared.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/corpora/corpus.h"
#include "engine/corpora/planted_corpus.h"
#include "engine/data/word_reader.h"
#include "engine/io/checksum.h"
#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "engine/io/safetensors.h"
#include "engine/io/text.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

using namespace notnot;

namespace {

std::vector<LabelledText> corpus() {
  auto texts = make_planted_corpus({.train = 60, .dev = 20, .test = 20});
  texts[0].words += " , \"quoted\" caf\xC3\xA9";
  texts[3].id = "a file, with a comma";
  return texts;
}

const DatasetOptions kOptions{.min_df = 2, .filter_by_length = true, .min_length = 8, .max_length = 29};

Preparation preparation() {
  return {.name = "tiny",
          .corpus = "csv",
          .classes = {"bad", "good"},
          .options = kOptions,
          .choices = {{"seed", 7}},
          .sources = {{.path = "tiny.csv", .files = 1, .bytes = 5, .sha256 = sha256("hello")}},
          .synthetic = true};
}

DatasetBuilder builder() {
  DatasetBuilder result;
  for (const LabelledText& text : corpus()) result.add(text);
  return result;
}

void prepare(const std::filesystem::path& out) {
  PreparedWriter writer(out);
  writer.write(builder(), preparation());
  WordVectors vectors{.width = 2, .found = 1, .rows = std::vector<float>(2 * writer.vocabulary().size())};
  vectors.rows[9] = 0.5F;
  writer.write_vectors(vectors, {{"file", "words.vec"}});
  writer.finish();
}

std::set<std::string> names_in(const std::filesystem::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names.insert(entry.path().filename());
  return names;
}

/// The error of everything that reads the folder.
std::string read_error(const std::filesystem::path& path) {
  return input_error([&] {
    const PreparedFolder folder(path);
    folder.dataset();
    folder.vectors();
  });
}

void replace_in(const std::filesystem::path& path, const std::string& from, const std::string& to) {
  std::string content = read_file(path);
  REQUIRE(content.find(from) != std::string::npos);
  write_atomically(path, content.replace(content.find(from), from.size(), to));
}

}  // namespace

TEST_CASE("prepared: programs that train word vectors get the same file, whatever the order of the texts") {
  const TemporaryFolder folder;
  const auto written = [&](std::vector<LabelledText> texts, const std::string& name) {
    DatasetBuilder of_texts;
    for (const LabelledText& text : texts) of_texts.add(text);
    PreparedWriter writer(folder / name);
    writer.write(of_texts, preparation());
    writer.write_training_texts(folder / (name + ".txt"), of_texts);
    return read_file(folder / (name + ".txt"));
  };
  std::vector<LabelledText> texts = corpus();
  const std::string first = written(texts, "first");
  std::reverse(texts.begin(), texts.end());
  CHECK(written(texts, "reversed") == first);
  int64_t kept = 0;
  for (const LabelledText& text : texts) {
    if (text.split == SplitName::train && first.find(text.words + "\n") != std::string::npos) ++kept;
  }
  CHECK(kept == std::count(first.begin(), first.end(), '\n'));
  CHECK(kept > 40);
}

TEST_CASE("checksum: SHA-256 of the standard's examples, whole and in parts") {
  CHECK(sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 parts;
  parts.update("a");
  parts.update("bc");
  CHECK(parts.hex() == sha256("abc"));
  const TemporaryFolder folder;
  const std::string large((size_t{1} << 20) + 17, 'x');
  write_atomically(folder / "large", large);
  CHECK(sha256_of_file(folder / "large") == sha256(large));
  write_atomically(folder / "empty", "");
  CHECK(sha256_of_file(folder / "empty") == sha256(""));
}

TEST_CASE("column: grows when it is its own, not when it is mapped") {
  Column<int32_t> own = {1, 2};
  own.push_back(3);
  own.insert(own.end(), 2, 7);
  CHECK(own == std::vector<int32_t>{1, 2, 3, 7, 7});
  CHECK_THROWS_AS(own.insert(own.begin(), 1, 0), Error);
  const auto values = std::make_shared<std::vector<int32_t>>(std::vector<int32_t>{4, 5});
  Column<int32_t> mapped(values, std::span<const int32_t>(*values));
  CHECK(mapped == std::vector<int32_t>{4, 5});
  CHECK(mapped.back() == 5);
  CHECK_THROWS_AS(mapped.push_back(6), Error);
}

TEST_CASE("string column: strings one behind the other") {
  StringColumn strings;
  CHECK(strings.empty());
  CHECK(strings.fits());
  for (const char* text : {"a", "", "caf\xC3\xA9"}) strings.push_back(text);
  CHECK(strings.size() == 3);
  CHECK(strings[0] == "a");
  CHECK(strings[1].empty());
  CHECK(strings[2] == "caf\xC3\xA9");
  CHECK(strings.fits());
  const auto fits = [&](const std::vector<int64_t>& offsets) { return StringColumn{strings.bytes, offsets}.fits(); };
  CHECK(fits({0, 6}));
  CHECK_FALSE(fits({}));
  CHECK_FALSE(fits({0, 5}));
  CHECK_FALSE(fits({0, 7}));
  CHECK_FALSE(fits({1, 6}));
  CHECK_FALSE(fits({0, 4, 3, 6}));
  CHECK_FALSE(fits({0, 7, 6}));
}

TEST_CASE("prepared: texts without ids have none when they are read again") {
  const TemporaryFolder folder;
  DatasetBuilder built;
  for (LabelledText& text : corpus()) {
    text.id.clear();
    built.add(text);
  }
  PreparedWriter writer(folder / "tiny");
  writer.write(built, preparation());
  writer.finish();
  const Dataset dataset = PreparedFolder(folder / "tiny").dataset();
  for (const SplitName name : kSplitNames) CHECK(dataset.split(name).ids.empty());
}

TEST_CASE("prepared: which texts belong together goes through; without groups there is no column") {
  const TemporaryFolder folder;
  DatasetBuilder built;
  for (LabelledText& text : corpus()) {
    text.group = text.row % 3;
    built.add(text);
  }
  PreparedWriter writer(folder / "tiny");
  writer.write(built, preparation());
  writer.finish();
  const Dataset dataset = PreparedFolder(folder / "tiny").dataset();
  for (const SplitName name : kSplitNames) {
    const Split& split = dataset.split(name);
    REQUIRE(split.groups.size() == split.rows.size());
    for (int32_t i = 0; i < split.size(); ++i) CHECK(split.groups[i] == split.rows[i] % 3);
  }
  prepare(folder / "plain");
  CHECK(PreparedFolder(folder / "plain").dataset().splits.train.groups.empty());
}

TEST_CASE("prepared: marked words go through; without rationales there is no column") {
  const TemporaryFolder folder;
  DatasetBuilder built;
  std::map<int64_t, std::vector<int32_t>> expected;
  for (LabelledText& text : corpus()) {
    const auto words = static_cast<int32_t>(split_words(text.words).size());
    if (text.row % 2 == 0) text.rationale = {0};
    if (text.row % 2 == 0 && words > 2) text.rationale = {0, words - 1};
    expected[text.row] = text.rationale;
    built.add(text);
  }
  CHECK(built.text(1).rationale == expected[2]);
  PreparedWriter writer(folder / "tiny");
  writer.write(built, preparation());
  writer.finish();
  const Dataset dataset = PreparedFolder(folder / "tiny").dataset();
  for (const SplitName name : kSplitNames) {
    const Split& split = dataset.split(name);
    const std::vector<int32_t> marked = split.marked_tokens();
    REQUIRE(marked.size() == split.token_ids.size());
    for (int32_t i = 0; i < split.size(); ++i) {
      std::vector<int32_t> places;
      for (int32_t n = 0; n < split.length(i); ++n) {
        if (marked[split.offsets[i] + n] == 1) places.push_back(n - 1);
      }
      CHECK(places == expected.at(split.rows[i]));
    }
  }
  prepare(folder / "plain");
  const Dataset plain = PreparedFolder(folder / "plain").dataset();
  CHECK(plain.splits.train.rationale_offsets.empty());
  CHECK(plain.splits.train.marked_tokens().empty());
}

TEST_CASE("places of words ascend and lie inside the text") {
  const auto fit = [](const std::vector<int32_t>& places, size_t words) { return are_places(places, words); };
  CHECK(fit({}, 0));
  CHECK(fit({0, 2, 5}, 6));
  CHECK_FALSE(fit({0, 2, 5}, 5));
  CHECK_FALSE(fit({0, 2, 2}, 6));
  CHECK_FALSE(fit({2, 0}, 6));
  CHECK_FALSE(fit({-1, 0}, 6));
  DatasetBuilder builder;
  CHECK_THROWS_AS(builder.add({.words = "a b", .row = 1, .rationale = {2}}), Error);
}

TEST_CASE("prepared: words in a scratch file give the same bytes as words in memory") {
  const TemporaryFolder folder;
  const auto texts = make_planted_corpus({.train = 20'000, .dev = 20, .test = 20});  // more words than a spool buffers
  const auto write = [&](const std::string& name, DatasetBuilder built) {
    for (const LabelledText& text : texts) built.add(text);
    PreparedWriter writer(folder / name);
    writer.write(built, preparation());
    writer.finish();
  };
  write("memory", DatasetBuilder());
  write("file", DatasetBuilder(folder / "scratch"));
  CHECK(names_in(folder.path()) == std::set<std::string>{"memory", "file"});
  for (const std::string& name : names_in(folder / "memory"))
    CHECK((read_file(folder / "memory" / name) == read_file(folder / "file" / name)));
}

TEST_CASE("prepared: the words that are not in the vocabulary are counted") {
  const TemporaryFolder folder;
  PreparedWriter writer(folder / "tiny");
  writer.write(builder(), preparation());
  const Dataset dataset = make_dataset("tiny", corpus(), kOptions);
  int64_t all = 0;
  for (const SplitName name : kSplitNames) {
    const Column<int32_t>& token_ids = dataset.split(name).token_ids;
    CHECK(writer.unknown_words()[name] == std::count(token_ids.begin(), token_ids.end(), kUnknownId));
    all += writer.unknown_words()[name];
  }
  CHECK(all > 0);
}

TEST_CASE("prepared: what is written is what is read") {
  const TemporaryFolder folder;
  prepare(folder / "tiny");
  CHECK(names_in(folder.path()) == std::set<std::string>{"tiny"});
  CHECK(names_in(folder / "tiny") == std::set<std::string>{"dataset.json", "vocabulary.txt", "data.safetensors",
                                                           "texts.csv", "vectors.safetensors"});
  const PreparedFolder prepared(folder / "tiny");
  prepared.verify();
  const Dataset dataset = prepared.dataset(), expected = make_dataset("tiny", corpus(), kOptions);
  CHECK(dataset.name == "tiny");
  CHECK(dataset.vocabulary.serialize() == expected.vocabulary.serialize());
  std::vector<LabelledText> texts;
  prepared.for_each_text([&](LabelledText&& text) { texts.push_back(std::move(text)); });
  size_t at = 0;
  for (const SplitName name : kSplitNames) {
    const Split &split = dataset.split(name), &same = expected.split(name);
    CHECK(split.token_ids == same.token_ids);
    CHECK(split.offsets == same.offsets);
    CHECK(split.labels == same.labels);
    CHECK(split.rows == same.rows);
    CHECK(split.ids == same.ids);
    CHECK(split.outside == same.outside);
    CHECK(split.unknown == same.unknown);
    CHECK(split.ids.size() == split.rows.size());
    CHECK_FALSE(split.unknown.empty());
    const WordReader words(dataset.vocabulary, split);
    for (int32_t i = 0; i < split.size(); ++i, ++at) {
      CHECK(texts[at].split == name);
      CHECK(texts[at].label == split.labels[i]);
      CHECK(texts[at].row == split.rows[i]);
      CHECK(texts[at].id == split.ids[i]);
      CHECK(texts[at].words == join_words(words.words(i)));
      if (texts[at].row == 4) CHECK(texts[at].id == "a file, with a comma");
      const auto ids = dataset.vocabulary.encode(texts[at].words);
      CHECK(std::equal(ids.begin(), ids.end(), split.token_ids.begin() + split.offsets[i]));
    }
  }
  CHECK(at == texts.size());
  const DatasetOptions options = prepared.options();
  CHECK(options.min_df == 2);
  CHECK(options.filter_by_length);
  CHECK(options.min_length == 8);
  CHECK(options.max_length == 29);
  const auto vectors = prepared.vectors();
  REQUIRE(vectors);
  CHECK(vectors->width == 2);
  CHECK(vectors->rows[9] == 0.5F);
}

TEST_CASE("prepared: dataset.json describes itself") {
  const TemporaryFolder folder;
  prepare(folder / "tiny");
  const nlohmann::json description = PreparedFolder(folder / "tiny").description();
  CHECK(description.at("format_version") == 2);
  CHECK(description.at("synthetic") == true);
  CHECK(description.at("classes") == std::vector<std::string>{"bad", "good"});
  CHECK(description.at("choices").at("seed") == 7);
  CHECK(description.at("sources").at(0).at("sha256") == sha256("hello"));
  CHECK(description.at("splits").at("train").at("before_length_filter").at("negative") == 30);
  for (const auto& [file, known] : description.at("files").items()) {
    CHECK(known.at("sha256") == sha256(read_file(folder / "tiny" / file)));
  }
}

TEST_CASE("prepared: the same texts give the same bytes") {
  const TemporaryFolder folder;
  prepare(folder / "a");
  prepare(folder / "b");
  for (const std::string& name : names_in(folder / "a"))
    CHECK(read_file(folder / "a" / name) == read_file(folder / "b" / name));
}

TEST_CASE("prepared: commands find it by path and by name") {
  const TemporaryFolder folder;
  prepare(folder / "prepared/tiny");
  const Corpus by_path = load_corpus({.dataset = folder / "prepared/tiny"});
  CHECK(by_path.dataset.name == "tiny");
  CHECK(by_path.path == folder / "prepared/tiny");
  CHECK(by_path.checksum == PreparedFolder(folder / "prepared/tiny").checksum());
  CHECK(by_path.reader == "csv");
  CHECK(by_path.options.min_df == 2);
  CHECK(by_path.synthetic());
  const char* before = std::getenv("NOTNOT_DATA");
  const std::string saved = before == nullptr ? "" : before;
  setenv("NOTNOT_DATA", folder.path().c_str(), 1);
  CHECK(load_corpus({.dataset = "tiny"}).path == by_path.path);
  CHECK_HAS(input_error([] { load_corpus({.dataset = "tinier"}); }), "no data set or file 'tinier'");
  CHECK_HAS(input_error([] { load_corpus({.dataset = "tiny", .min_df = 3}); }), "give --min-df");
  setenv("NOTNOT_DATA", saved.c_str(), 1);
  CHECK_HAS(input_error([&] { load_corpus({.dataset = folder.path()}); }), "has no dataset.json; make one with");
}

TEST_CASE("prepared: every file cut short, longer or gone is named") {
  const TemporaryFolder folder;
  for (const char* name : {"dataset.json", "vocabulary.txt", "data.safetensors", "texts.csv", "vectors.safetensors"}) {
    prepare(folder / "tiny");
    const auto path = folder / "tiny" / name;
    const std::string content = read_file(path);
    write_atomically(path, content.substr(0, content.size() / 2));
    CHECK_HAS(read_error(folder / "tiny"), path.string() + " is damaged");
    CHECK_HAS(read_error(folder / "tiny"), "prepare the data set again");
    write_atomically(path, content + "\n");
    if (std::string(name) != "dataset.json") CHECK_HAS(read_error(folder / "tiny"), path.string() + " is damaged");
    std::filesystem::remove(path);
    CHECK_HAS(read_error(folder / "tiny"), name);
    std::filesystem::remove_all(folder / "tiny");
  }
}

TEST_CASE("prepared: changed bytes of the same size are found") {
  const TemporaryFolder folder;
  prepare(folder / "tiny");
  replace_in(folder / "tiny/dataset.json", "\"seed\": 7", "\"seed\": 8");
  CHECK_HAS(read_error(folder / "tiny"), "its checksum is not that of its content");
  replace_in(folder / "tiny/dataset.json", "\"seed\": 8", "\"seed\": 7");
  replace_in(folder / "tiny/dataset.json", "\"format_version\": 2", "\"format_version\": 1");
  CHECK_HAS(read_error(folder / "tiny"), "format version 1, this program reads version 2; prepare it again");
  replace_in(folder / "tiny/dataset.json", "\"format_version\": 1", "\"format_version\": 2");
  CHECK_HAS(read_error(folder / "tiny"), "no InputError");

  replace_in(folder / "tiny/data.safetensors", "dev.rows", "dev.sown");
  CHECK_HAS(read_error(folder / "tiny"), "dev.rows");
  replace_in(folder / "tiny/data.safetensors", "dev.sown", "dev.rows");
  std::string data = read_file(folder / "tiny/data.safetensors");
  data.back() ^= 1;  // a letter of a word
  write_atomically(folder / "tiny/data.safetensors", data);
  CHECK_HAS(read_error(folder / "tiny"), "data.safetensors is damaged: its checksum is not the one in dataset.json");
  CHECK_HAS(input_error([&] { PreparedFolder(folder / "tiny").verify(); }), "data.safetensors is damaged");
}

TEST_CASE("prepared: what is loaded is what dataset.json says, to the bit") {
  const TemporaryFolder folder;
  prepare(folder / "tiny");
  const auto flip = [&](const char* file, const char* tensor) {
    const auto path = folder / "tiny" / file;
    std::string content = read_file(path);
    uint64_t header = 0;
    std::memcpy(&header, content.data(), sizeof header);
    content[sizeof header + header + Safetensors::read(path).entry(tensor).begin] ^= 1;
    write_atomically(path, content);
  };
  for (const char* tensor : {"train.labels", "dev.rows"}) {
    flip("data.safetensors", tensor);
    CHECK_HAS(read_error(folder / "tiny"), "data.safetensors is damaged: its checksum is not the one in dataset.json");
    flip("data.safetensors", tensor);
    CHECK_HAS(read_error(folder / "tiny"), "no InputError");
  }
  flip("vectors.safetensors", "vectors");
  CHECK_HAS(read_error(folder / "tiny"), "vectors.safetensors is damaged: its checksum is not the one");
  flip("vectors.safetensors", "vectors");
  replace_in(folder / "tiny/vocabulary.txt", "\npraise19", "\npraise1:");
  CHECK_HAS(read_error(folder / "tiny"), "vocabulary.txt is damaged: its checksum is not the one");
}

TEST_CASE("prepared: the data is known by itself, not by who prepared it from which file") {
  const TemporaryFolder folder;
  prepare(folder / "a");
  const auto other = [&](const std::string& name, const Preparation& described, const DatasetBuilder& built) {
    PreparedWriter writer(folder / name);
    writer.write(built, described);
    writer.finish();
    return PreparedFolder(folder / name);
  };
  Preparation described = preparation();
  described.sources.front().path = "elsewhere.csv";
  described.choices["seed"] = 8;
  const PreparedFolder a(folder / "a"), same = other("same", described, builder());
  CHECK(a.description() != same.description());
  CHECK(a.checksum() == same.checksum());
  const auto sum = [&](const char* name) { return sha256(read_file(folder / "a" / name)) + "  " + name + "\n"; };
  CHECK(a.checksum() == sha256(sum("vocabulary.txt") + sum("data.safetensors")));
  REQUIRE(a.vectors());
  CHECK(a.vectors()->checksum == sha256(read_file(folder / "a/vectors.safetensors")));

  const int64_t row = make_dataset("tiny", corpus(), kOptions).split(SplitName::train).rows[0];
  DatasetBuilder corrected;
  for (LabelledText text : corpus()) {
    if (text.row == row) text.label = 1 - text.label;
    corrected.add(text);
  }
  CHECK(other("corrected", preparation(), corrected).checksum() != a.checksum());
}

TEST_CASE("prepared: texts that are not as they were written are found") {
  const TemporaryFolder folder;
  prepare(folder / "tiny");
  const std::vector<std::pair<std::string, std::string>> changes = {
      {",0,train,", ",2,train,"}, {",train,", ",trial,"}, {",train,1", ",train,x"}, {",0,train,", ";0;train;"}};
  for (const auto& [from, to] : changes) {
    replace_in(folder / "tiny/texts.csv", from, to);
    CHECK_HAS(input_error([&] { PreparedFolder(folder / "tiny").for_each_text([](LabelledText&&) {}); }),
              "texts.csv is damaged: record");
    replace_in(folder / "tiny/texts.csv", to, from);
  }
}

TEST_CASE("prepared: columns that do not belong together are found") {
  const TemporaryFolder folder;
  prepare(folder / "tiny");
  const std::filesystem::path path = folder / "tiny/data.safetensors";
  const std::string good = read_file(path);
  uint64_t header = 0;
  std::memcpy(&header, good.data(), sizeof header);
  const auto begin = [&](const char* tensor) {
    return sizeof header + header + Safetensors::read(path).entry(tensor).begin;
  };
  /// The complaint when element `at` of the tensor is `value`.
  const auto with = [&](const char* tensor, size_t at, auto value) {
    write_atomically(path, good);
    std::string data = good;
    std::memcpy(data.data() + begin(tensor) + at * sizeof value, &value, sizeof value);
    write_atomically(path, data);
    return read_error(folder / "tiny");
  };
  const auto offsets = Safetensors::read(path).values<int64_t>("train.offsets");
  CHECK_HAS(with("train.offsets", 1, offsets[2]), "the train split: text 1 without a word");
  CHECK_HAS(with("dev.token_ids", 1, int32_t{0x7F000000}), "the dev split: a token outside the vocabulary");
  CHECK_HAS(with("test.labels", 3, int32_t{2}), "the test split: a label that is neither 0 nor 1");
  CHECK_HAS(with("train.ids_offsets", 1, int64_t{-1}), "the train split: ids that do not fit the texts");
  CHECK_HAS(with("train.ids_offsets", 0, int64_t{1}), "the train split: ids that do not fit the texts");
  CHECK_HAS(with("test.outside_offsets", 1, int64_t{1} << 40), "the test split: spellings that do not fit");
  CHECK_HAS(with("test.unknown", 0, int32_t{-1}), "the test split: spellings that do not fit the unknown words");
  CHECK_HAS(with("test.unknown", 0, int32_t{1000}), "the test split: spellings that do not fit the unknown words");
  CHECK_HAS(with("dev.outside", 0, '!'), "data.safetensors is damaged");
  CHECK_HAS(with("train.ids", 0, '!'), "data.safetensors is damaged");
}

TEST_CASE("prepared: a writer leaves all or nothing") {
  const TemporaryFolder folder;
  {
    PreparedWriter writer(folder / "tiny/");
    CHECK(names_in(folder.path()).size() == 1);
    CHECK_HAS(input_error([&] { PreparedWriter(folder / "tiny"); }), "another process prepares");
    writer.write(builder(), preparation());
    CHECK_FALSE(std::filesystem::exists(folder / "tiny"));
  }
  CHECK(names_in(folder.path()).empty());
  std::filesystem::create_directories(folder / ".notnot-tiny.tmp/left");  // by a writer that was killed
  prepare(folder / "tiny");
  CHECK(names_in(folder.path()) == std::set<std::string>{"tiny"});
  CHECK_FALSE(std::filesystem::exists(folder / "tiny/left"));
  CHECK_HAS(input_error([&] { PreparedWriter(folder / "tiny"); }), "exists already; remove it");
  write_atomically(folder / "file", "");
  CHECK_HAS(input_error([&] { PreparedWriter(folder / "file/tiny"); }), "choose another folder with --out");
}
