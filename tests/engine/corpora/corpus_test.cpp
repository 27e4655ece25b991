// Loads the data set that the user names, or says what is wrong with the name.
#include "engine/corpora/corpus.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "engine/corpora/table.h"
#include "engine/io/checksum.h"
#include "engine/io/files.h"
#include "tests/support/input_error.h"
#include "tests/support/small_csv.h"
#include "tests/support/temporary_folder.h"

using namespace notnot;

TEST_CASE("corpus: names, defaults and overrides") {
  const TemporaryFolder folder;
  write_atomically(folder / "own.csv", kSmallCsv);
  const Corpus own = load_corpus({.dataset = (folder / "own.csv").string()});
  CHECK(own.dataset.name == "own");
  CHECK(own.path == folder / "own.csv");
  CHECK_FALSE(own.options.filter_by_length);
  CHECK(own.options.min_df == 1);
  CHECK(own.reader == "csv");
  CHECK(own.checksum == sha256(kSmallCsv));
  CHECK_FALSE(own.synthetic());

  CorpusRequest planted{.dataset = "planted"};
  CHECK(load_corpus(planted).path.empty());
  CHECK(load_corpus(planted).reader == "planted");
  CHECK(load_corpus(planted).checksum.empty());
  CHECK(load_corpus(planted).dataset.split(SplitName::train).size() == 2000);
  planted.min_length = 10;
  planted.min_df = 3;
  const Corpus bounded = load_corpus(planted);
  CHECK(bounded.options.filter_by_length);
  CHECK(bounded.options.min_length == 10);
  CHECK(bounded.options.max_length == std::numeric_limits<int32_t>::max());
  CHECK(bounded.options.min_df == 3);
  CHECK(bounded.dataset.split(SplitName::train).size() < 2000);
  // Texts have 8 to 30 words. A bound that is not given drops none.
  CHECK(load_corpus({.dataset = "planted", .max_length = 31}).dataset.split(SplitName::train).size() == 2000);
  CHECK(load_corpus({.dataset = "planted", .min_length = 7}).dataset.split(SplitName::train).size() == 2000);
  planted.max_length = -3;
  CHECK_HAS(input_error([&] { load_corpus(planted); }), "must not be negative");
}

TEST_CASE("corpus: a data set is known by its content; its name makes nothing of it") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "moved");
  for (const char* name : {"imdb.csv", "moved/imdb.csv", "planted.csv"}) write_atomically(folder / name, kSmallCsv);
  std::filesystem::create_symlink(folder / "imdb.csv", folder / "link.csv");
  const Corpus imdb = load_corpus({.dataset = folder / "imdb.csv"});
  CHECK(imdb.dataset.name == "imdb");
  CHECK(imdb.reader == "csv");  // not the reader of the paper's IMDb
  for (const char* name : {"moved/imdb.csv", "planted.csv", "link.csv"}) {
    const Corpus same = load_corpus({.dataset = folder / name});
    CHECK(same.checksum == imdb.checksum);
    CHECK(same.reader == "csv");
  }
  std::string corrected(kSmallCsv);
  corrected[corrected.find(",1,dev") + 1] = '0';
  write_atomically(folder / "imdb.csv", corrected);
  CHECK(load_corpus({.dataset = folder / "imdb.csv"}).checksum != imdb.checksum);
}

TEST_CASE("corpus: options of the built-in corpus are refused for any other") {
  const TemporaryFolder folder;
  write_atomically(folder / "own.csv", kSmallCsv);
  for (const PlantedOptions& planted :
       {PlantedOptions{.difficulty = 0.5}, PlantedOptions{.seed = 7}, PlantedOptions{.evidence = EvidenceKind::order},
        PlantedOptions{.label_noise = 0.1}}) {
    const std::string message =
        input_error([&] { load_corpus({.dataset = (folder / "own.csv").string(), .planted = planted}); });
    CHECK_HAS(message, "--corpus-seed are for planted, the built-in corpus, and change nothing of");
    CHECK(load_corpus({.dataset = "planted", .planted = planted}).reader == "planted");
  }
}

TEST_CASE("corpus: what is not there is named, with the remedy") {
  CHECK_HAS(input_error([] { load_corpus({.dataset = "-"}); }), "for standard input give /dev/stdin");
  const auto error = [](const std::string& name) { return input_error([&] { load_corpus({.dataset = name}); }); };
  CHECK_HAS(error("ssst"), "no data set or file 'ssst'; give planted, sst or the path of a CSV file");
  CHECK_HAS(error(""), "give planted, sst");
  CHECK_HAS(error(std::string(5000, 'x')), "File name too long; check that the path is right");
  CHECK_HAS(error("none.csv"), "none.csv");
  const TemporaryFolder folder;
  CHECK_HAS(error(folder.path().string()), folder.path().string());
}

TEST_CASE("corpus: a prepared data set says what was said when it was prepared") {
  const TemporaryFolder folder;
  PreparedWriter writer(folder / "films");
  DatasetBuilder builder(writer.scratch("words"));
  for (const LabelledText& text : parse_csv(kSmallCsv, "films")) builder.add(LabelledText(text));
  writer.write(builder, {.name = "films", .corpus = "csv", .classes = {"0", "1"}, .options = {}, .sources = {}});
  writer.finish({"something is wrong"});
  CHECK(load_corpus({.dataset = folder / "films"}).warnings == std::vector<std::string>{"something is wrong"});
}

TEST_CASE("corpus: a prepared data set named planted is not taken for the built-in one without a word") {
  const TemporaryFolder folder;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  std::filesystem::create_directories("planted");
  CHECK(load_corpus({.dataset = "planted"}).warnings.empty());
  write_atomically("planted/dataset.json", "{}");
  const std::vector<std::string> warnings = load_corpus({.dataset = "planted"}).warnings;
  std::filesystem::current_path(before);
  REQUIRE(warnings.size() == 1);
  CHECK_HAS(warnings[0],
            "planted is the built-in corpus; for the prepared data set of that name give --dataset ./planted");
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
  CHECK(trees.reader == "sst");
  const std::string sum = sha256("(4 good)\n(0 bad)\n") + "  ";
  CHECK(trees.checksum == sha256(sum + "train.txt\n" + sum + "dev.txt\n" + sum + "test.txt\n"));
  write_atomically(folder / "sst/sst_dataset.csv", kSmallCsv);
  const Corpus table = load_corpus(request);
  CHECK(table.path == folder / "sst/sst_dataset.csv");
  CHECK(table.reader == "sst");
  CHECK(table.checksum == sha256(kSmallCsv));
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
