#include "engine/corpora/ag_news.h"

#include <utility>

#include "engine/corpora/news_text.h"
#include "engine/io/delimited.h"
#include "engine/io/text.h"

namespace notnot {
namespace {

void check(const DelimitedReader& reader, const Record& record) {
  constexpr const char* kRemedy = "download ag_news_csv again";
  if (record.size() != 3) {
    reader.fail(fmt::format("{} fields instead of class, title and description; {}", record.size(), kRemedy));
  }
  if (record[0].size() != 1 || record[0] < "1" || record[0] > "4")
    reader.fail(fmt::format("class {} is not 1, 2, 3 or 4; {}", in_quotes(record[0]), kRemedy));
}

/// `row` counts the records.
std::vector<LabelledText> read_half(SourceReader& sources, SplitName half, int64_t& row) {
  const std::string path = fmt::format("{}.csv", to_string(half));
  const std::string content = sources.read(path);
  DelimitedReader reader((sources.root() / path).string(), {.delimiter = ',', .header = false, .lossy = false});
  std::vector<LabelledText> texts;
  reader.read(content, [&](Record&& record) {
    check(reader, record);
    ++row;
    if (record[0] != "1" && record[0] != "3") return;
    std::string words = tokenise_news(record[2]);
    if (words.empty()) return;
    texts.push_back(
        {std::move(words), record[0] == "3" ? 1 : 0, half, row, fmt::format("{}:{}", path, reader.record())});
  });
  return texts;
}

}  // namespace

std::vector<LabelledText> read_ag_news(SourceReader& sources, const SplitRequest& request) {
  int64_t row = 0;
  std::vector<LabelledText> texts = read_half(sources, SplitName::train, row);
  split_stratified(texts, {.dev = request.dev, .test = 0, .seed = request.seed});
  for (LabelledText& text : read_half(sources, SplitName::test, row)) texts.push_back(std::move(text));
  return texts;
}

}  // namespace notnot
