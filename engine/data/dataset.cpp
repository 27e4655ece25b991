#include "engine/data/dataset.h"

#include <algorithm>
#include <utility>

#include "engine/data/dataset_builder.h"
#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "engine/io/text.h"

namespace notnot {
namespace {

constexpr std::array<std::string_view, kFirstWordId> kReservedWords = {"<0>", "<UNK>", "<SOS>", "<EOS>"};

bool is_reserved(std::string_view word) {
  return std::find(kReservedWords.begin(), kReservedWords.end(), word) != kReservedWords.end();
}

}  // namespace

std::string_view to_string(SplitName split) {
  constexpr std::array<std::string_view, kSplitNames.size()> kNames = {"train", "dev", "test"};
  return kNames[static_cast<size_t>(split)];
}

std::optional<SplitName> split_named(std::string_view name) {
  if (name == "train") return SplitName::train;
  if (name == "test") return SplitName::test;
  if (name == "dev" || name == "val" || name == "valid" || name == "validation") return SplitName::dev;
  return std::nullopt;
}

Vocabulary::Vocabulary(std::vector<std::string> words) : words_(std::move(words)) {
  std::erase_if(words_, is_reserved);
  std::sort(words_.begin(), words_.end());
  words_.insert(words_.begin(), kReservedWords.begin(), kReservedWords.end());
  index();
}

void Vocabulary::index() {
  ids_.reserve(words_.size());
  // Without the reserved words: "<SOS>" as a word of a text is unknown; otherwise it would be a token without
  // attention.
  for (int32_t id = kFirstWordId; id < size(); ++id) ids_.emplace(word(id), id);
}

Vocabulary Vocabulary::build(const std::vector<LabelledText>& texts, int32_t min_df) {
  DatasetBuilder builder;
  for (const LabelledText& text : texts) builder.add(text);
  return builder.vocabulary(min_df);
}

Vocabulary Vocabulary::load(const std::filesystem::path& path) {
  const std::string content = read_small_file(path, kMostBytes, "take the file from the run folder again");
  const auto fail = [&path](size_t line, const std::string& message) {
    throw InputError(
        fmt::format("{}, line {}: {}; take the file from the run folder again", path.string(), line, message));
  };
  std::vector<std::string> words;
  for (size_t begin = 0; begin < content.size();) {
    const size_t end = content.find('\n', begin);
    const size_t line = words.size() + 1;
    if (end == std::string::npos) fail(line, "the last line does not end, so the file was cut");
    const std::string_view word = std::string_view(content).substr(begin, end - begin);
    if (first_invalid_utf8(word)) fail(line, "not UTF-8");
    if (word.empty() || word.find_first_of(std::string_view(" \t\r\0", 4)) != std::string_view::npos)
      fail(line, fmt::format("{} is not one word", in_quotes(word)));
    words.emplace_back(word);
    begin = end + 1;
  }
  for (size_t id = 0; id < kReservedWords.size(); ++id) {
    const std::string_view found = id < words.size() ? std::string_view(words[id]) : std::string_view();
    if (found != kReservedWords[id])
      fail(id + 1, fmt::format("{} where {} must stand", in_quotes(found), kReservedWords[id]));
  }
  for (size_t id = kFirstWordId; id < words.size(); ++id) {
    if (is_reserved(words[id])) fail(id + 1, fmt::format("the reserved word {} again", words[id]));
    if (id > kFirstWordId && words[id] <= words[id - 1])
      fail(id + 1, fmt::format("{} is not in byte order", in_quotes(words[id])));
  }
  Vocabulary vocabulary;
  vocabulary.words_ = std::move(words);
  vocabulary.index();
  return vocabulary;
}

std::string Vocabulary::serialize() const {
  std::string lines;
  for (const std::string& word : words_) lines.append(word).append("\n");
  return lines;
}

int32_t Vocabulary::id(std::string_view word) const {
  const auto found = ids_.find(word);
  return found == ids_.end() ? kUnknownId : found->second;
}

std::vector<int32_t> Vocabulary::encode(std::string_view words) const {
  std::vector<int32_t> ids = {kStartId};
  for (const std::string_view word : split_words(words)) ids.push_back(id(word));
  ids.push_back(kEndId);
  return ids;
}

bool are_places(std::span<const int32_t> places, size_t words) {
  const auto falls = [](int32_t a, int32_t b) { return a >= b; };
  return places.empty() || (places.front() >= 0 && static_cast<size_t>(places.back()) < words &&
                            std::adjacent_find(places.begin(), places.end(), falls) == places.end());
}

int32_t Split::positives() const { return static_cast<int32_t>(std::count(labels.begin(), labels.end(), 1)); }

std::vector<int32_t> Split::marked_tokens() const {
  if (rationale_offsets.empty()) return {};
  std::vector<int32_t> marked(token_ids.size());
  for (int32_t i = 0; i < size(); ++i) {
    for (int64_t n = rationale_offsets[i]; n < rationale_offsets[i + 1]; ++n)
      marked[offsets[i] + 1 + rationales[n]] = 1;
  }
  return marked;
}

double Dataset::positive_weight() const {
  const Split& train = split(SplitName::train);
  return static_cast<double>(train.size()) / train.positives() - 1.0;
}

Dataset make_dataset(std::string name, const std::vector<LabelledText>& texts, const DatasetOptions& options) {
  DatasetBuilder builder;
  for (const LabelledText& text : texts) builder.add(text);
  return builder.build(std::move(name), options);
}

}  // namespace notnot
