#include "engine/corpora/imdb.h"

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

#include "engine/io/input_error.h"
#include "engine/io/text.h"
#include "engine/math/numpy_random.h"

namespace notnot {
namespace {

constexpr uint32_t kSeed = 1378;
constexpr size_t kTooLong = 400;  // words

struct Document {
  LabelledText text;
  size_t length = 0;  ///< words
};

using Words = std::unordered_set<std::string>;

/// The documents of one half, already cleaned. Training documents add to `known`; other documents lose every word that
/// is not in it.
std::vector<Document> read_half(SourceReader& sources, SplitName half, int64_t first_row, Words& known) {
  std::vector<Document> documents;
  for (const int32_t label : {1, 0}) {
    const std::string folder = fmt::format("{}/{}", to_string(half), label == 1 ? "pos" : "neg");
    sources.read_folder(folder, [&](const std::string& name, const std::string& content) {
      if (const auto invalid = first_invalid_utf8(content)) {
        throw InputError(fmt::format("{}: byte {} is not UTF-8; download aclImdb again",
                                     (sources.root() / folder / name).string(), *invalid + 1));
      }
      const std::string cleaned = clean_imdb(content);
      std::vector<std::string_view> words = split_words(cleaned);
      if (half == SplitName::train) {
        for (const std::string_view word : words) known.emplace(word);
      } else {
        std::erase_if(words, [&known](std::string_view word) { return !known.contains(std::string(word)); });
      }
      const int64_t row = first_row + documents.size();
      documents.push_back(
          {.text = {join_words(words), label, half, row, fmt::format("{}/{}", folder, name)}, .length = words.size()});
    });
  }
  return documents;
}

/// The documents [begin, end) of NumPy's permutation, as `split`.
void take(std::vector<Document>& documents, const std::vector<int64_t>& order, size_t begin, size_t end,
          SplitName split, std::vector<LabelledText>& texts) {
  for (size_t i = begin; i < end; ++i) {
    LabelledText& text = documents[order[i]].text;
    text.split = split;
    texts.push_back(std::move(text));
  }
}

}  // namespace

std::string clean_imdb(std::string_view review) {
  constexpr std::string_view kSeparators = "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n";
  std::string words = to_lower(review);
  std::replace_if(
      words.begin(), words.end(), [&](char byte) { return kSeparators.find(byte) != std::string_view::npos; }, ' ');
  return join_words(split_words(words));
}

std::vector<LabelledText> read_imdb(SourceReader& sources) {
  Words known;
  const auto is_unfit = [](const Document& document) { return document.length >= kTooLong || document.length == 0; };
  std::vector<Document> train = read_half(sources, SplitName::train, 1, known);
  std::vector<Document> test = read_half(sources, SplitName::test, train.size() + 1, known);
  std::erase_if(train, is_unfit);
  std::erase_if(test, is_unfit);
  const std::vector<int64_t> train_order = NumpyRandom(kSeed).permutation(train.size());
  const std::vector<int64_t> test_order = NumpyRandom(kSeed).permutation(test.size());
  const size_t dev = train.size() - train.size() * 4 / 5;
  std::vector<LabelledText> texts;
  take(train, train_order, dev, train.size(), SplitName::train, texts);
  take(train, train_order, 0, dev, SplitName::dev, texts);
  take(test, test_order, test.size() - test.size() / 5, test.size(), SplitName::test, texts);
  return texts;
}

}  // namespace notnot
