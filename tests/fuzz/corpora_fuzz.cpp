// libFuzzer on the corpora's readers: for any bytes, texts of words between single blanks, or InputError. The first byte
// chooses the corpus. tests/README.md says how to build and run it.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "engine/corpora/ag_news.h"
#include "engine/corpora/imdb.h"
#include "engine/corpora/news_text.h"
#include "engine/corpora/newsgroups.h"
#include "engine/corpora/sst_trees.h"
#include "engine/io/input_error.h"
#include "engine/io/text.h"
#include "tests/fuzz/input_file.h"
#include "tests/support/temporary_folder.h"

namespace {

using Texts = std::vector<notnot::LabelledText>;

Texts read_trees(const notnot::TemporaryFolder& folder, std::string_view bytes) {
  for (const char* file : {"train.txt", "dev.txt", "test.txt"}) notnot::put(folder / file, bytes);
  notnot::SourceReader sources(folder.path(), "sst");
  return notnot::read_sst_trees(sources);
}

Texts read_news(const notnot::TemporaryFolder& folder, std::string_view bytes) {
  for (const char* file : {"train.csv", "test.csv"}) notnot::put(folder / file, bytes);
  notnot::SourceReader sources(folder.path(), "ag_news_csv");
  return notnot::read_ag_news(sources, {});
}

Texts read_posts(const notnot::TemporaryFolder& folder, std::string_view bytes) {
  std::string split = "fold\tlabel\tpath\n";
  for (const char* half : {"train", "test"}) {
    for (const char* group : {"rec.sport.baseball", "rec.sport.hockey"}) {
      const std::string place = std::string("20news-bydate-") + half + "/" + group;
      std::filesystem::create_directories(folder / place);
      notnot::put(folder / (place + "/1"), bytes);
      split += std::string(half) + "\t1\t" + place + "/1\n";
    }
  }
  notnot::SourceReader sources(folder.path(), "20news");
  return notnot::read_newsgroups(sources, split);
}

Texts read_reviews(const notnot::TemporaryFolder& folder, std::string_view bytes) {
  for (const char* place : {"train/pos", "train/neg", "test/pos", "test/neg"}) {
    std::filesystem::create_directories(folder / place);
    notnot::put(folder / (std::string(place) + "/1_1.txt"), bytes);
    notnot::put(folder / (std::string(place) + "/2_1.txt"), "a good film");
    notnot::put(folder / (std::string(place) + "/3_1.txt"), bytes.substr(0, bytes.size() / 2));
  }
  notnot::SourceReader sources(folder.path(), "aclImdb");
  return notnot::read_imdb(sources);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static const notnot::TemporaryFolder folder;
  constexpr std::array kReaders = {read_trees, read_news, read_posts, read_reviews};
  if (size == 0) return 0;
  try {
    const std::string_view rest(reinterpret_cast<const char*>(bytes) + 1, size - 1);
    for (const notnot::LabelledText& text : kReaders[bytes[0] % kReaders.size()](folder, rest)) {
      const bool clean = !text.words.empty() && !notnot::first_invalid_utf8(text.words) &&
                         notnot::join_words(notnot::split_words(text.words)) == text.words;
      if (!clean || (text.label != 0 && text.label != 1)) std::abort();
    }
  } catch (const notnot::InputError&) {
  }
  return 0;
}
