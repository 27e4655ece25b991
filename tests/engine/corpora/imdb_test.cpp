// The Large Movie Review Dataset itself, where NOTNOT_DATA has it: the published folds document by document, the
// published counts; prints how long a prepared one takes to load.
#include "engine/corpora/imdb.h"

#include <doctest/doctest.h>

#include <chrono>
#include <set>
#include <string>

#include "engine/corpora/published.h"
#include "engine/data/prepared.h"
#include "engine/io/delimited.h"
#include "engine/io/files.h"
#include "tests/support/real_data.h"
#include "tests/support/temporary_folder.h"

using namespace notnot;

namespace {

const std::vector<LabelledText>& texts() {
  static const std::vector<LabelledText> read = [] {
    SourceReader sources(real_corpus("imdb", "aclImdb/train/pos") / "aclImdb", "aclImdb");
    return read_imdb(sources);
  }();
  return read;
}

}  // namespace

TEST_CASE("imdb: the published folds, document by document") {
  const auto list = real_corpus("imdb", "aclImdb/train/pos") / "jain_wallace_split.tsv";
  if (!std::filesystem::exists(list)) {
    MESSAGE("there is no " << list.string());
    return;
  }
  std::set<std::string> published, here, kept;
  DelimitedReader reader(list.string(), {.delimiter = '\t', .header = true, .lossy = false});
  reader.read(read_file(list), [&](Record&& fields) {
    if (reader.record() == 0) return;
    const std::string document =
        fmt::format("{} {}/{}/{}_{}.txt", fields[0], fields[1], fields[2], fields[3], fields[4]);
    published.insert(fmt::format("{} {}", document, fields[5]));
    if (fields[6] == "1") kept.insert(document);
  });
  DatasetBuilder builder;
  for (const LabelledText& text : texts()) {
    here.insert(fmt::format("{} {} {}", to_string(text.split), text.id,
                            std::count(text.words.begin(), text.words.end(), ' ') + 1));
    builder.add(text);
  }
  CHECK(published.size() == 17212 + 4304 + 4363);
  CHECK((here == published));
  std::set<std::string> kept_here;
  for (const SplitName split : kSplitNames) {
    for (const size_t i : builder.count(split, find_published("imdb")->options).kept)
      kept_here.insert(fmt::format("{} {}", to_string(split), builder.text(i).id));
  }
  CHECK((kept_here == kept));
}

TEST_CASE("imdb: the published counts, also of the prepared folder") {
  const TemporaryFolder folder;
  {
    DatasetBuilder builder;
    for (const LabelledText& text : texts()) builder.add(text);
    PreparedWriter writer(folder / "imdb");
    writer.write(
        builder,
        {.name = "imdb", .corpus = "imdb", .classes = {}, .options = find_published("imdb")->options, .sources = {}});
    writer.finish();
  }
  double fastest = 1e9;
  for (int round = 0; round < 5; ++round) {
    const auto start = std::chrono::steady_clock::now();
    const Dataset dataset = PreparedFolder(folder / "imdb").dataset();
    fastest = std::min(fastest, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    CHECK(dataset.vocabulary.size() == 12487);
    CHECK(dataset.split(SplitName::train).size() == 17200);
    CHECK(dataset.split(SplitName::train).positives() == 8533);
    CHECK(dataset.split(SplitName::dev).size() == 4297);
    CHECK(dataset.split(SplitName::test).size() == 2184 + 2172);
    CHECK(dataset.split(SplitName::test).positives() == 2172);
  }
  fmt::print("loading IMDb: {:.1f} ms\n", 1e3 * fastest);
}
