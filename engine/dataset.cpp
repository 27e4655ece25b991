#include "engine/dataset.h"

#include <algorithm>
#include <utility>

#include "engine/files.h"
#include "engine/text.h"
#include "kernels/error.h"

namespace notnot {
namespace {

constexpr std::array<std::string_view, kFirstWordId> kReservedWords = {"<0>", "<UNK>", "<SOS>", "<EOS>"};

bool is_reserved(std::string_view word) {
  return std::find(kReservedWords.begin(), kReservedWords.end(), word) != kReservedWords.end();
}

struct EncodedText {
  const LabelledText* text;
  std::vector<int32_t> ids;
  int64_t word_count() const { return static_cast<int64_t>(ids.size()) - 2; }
};

std::vector<EncodedText> encode_split(const Vocabulary& vocabulary, const std::vector<LabelledText>& texts,
                                      SplitName split) {
  std::vector<EncodedText> encoded;
  for (const LabelledText& text : texts) {
    if (text.split != split) continue;
    encoded.push_back({&text, vocabulary.encode(text.words)});
    NOTNOT_CHECK(encoded.back().word_count() > 0, "the text of row {} has no word", text.row);
    NOTNOT_CHECK(text.label == 0 || text.label == 1, "label {} of row {}", text.label, text.row);
  }
  return encoded;
}

Split filter_split(const std::string& where, const std::vector<EncodedText>& texts, const DatasetOptions& options) {
  if (texts.empty()) throw InputError(fmt::format("{} has no text; add texts to it", where));
  const auto shorter = [](const EncodedText& a, const EncodedText& b) { return a.ids.size() < b.ids.size(); };
  const auto [shortest, longest] = std::minmax_element(texts.begin(), texts.end(), shorter);
  const int64_t low = options.min_length >= 0 ? options.min_length : shortest->word_count();
  const int64_t high = options.max_length >= 0 ? options.max_length : longest->word_count();
  Split split;
  for (const EncodedText& text : texts) {
    if (options.filter_by_length && !(low < text.word_count() && text.word_count() < high)) continue;
    split.token_ids.insert(split.token_ids.end(), text.ids.begin(), text.ids.end());
    split.offsets.push_back(static_cast<int64_t>(split.token_ids.size()));
    split.labels.push_back(text.text->label);
    split.rows.push_back(text.text->row);
  }
  if (split.size() == 0) {
    throw InputError(
        fmt::format("{}: none of its {} texts has more than {} and fewer than {} words; choose other length bounds",
                    where, texts.size(), low, high));
  }
  return split;
}

void check_two_classes(const std::string& where, const Split& split) {
  const int32_t positives = split.positives();
  if (positives > 0 && positives < split.size()) return;
  throw InputError(fmt::format(
      "{}: all {} texts have label {}, but ROC-AUC and the class weights need both classes; add texts of the "
      "other class or choose other length bounds",
      where, split.size(), positives > 0 ? 1 : 0));
}

}  // namespace

std::string_view to_string(SplitName split) {
  constexpr std::array<std::string_view, kSplitNames.size()> kNames = {"train", "dev", "test"};
  return kNames[static_cast<size_t>(split)];
}

Vocabulary::Vocabulary(std::vector<std::string> words) : words_(std::move(words)) {
  // Words only: a text's own "<SOS>" is unknown, or it would be a token without attention.
  for (int32_t id = kFirstWordId; id < size(); ++id) ids_.emplace(word(id), id);
}

Vocabulary Vocabulary::build(const std::vector<LabelledText>& texts, int32_t min_df) {
  if (min_df < 1) throw InputError(fmt::format("a minimum document frequency of {}; it must be at least 1", min_df));
  struct Frequency {
    int32_t texts = 0;
    size_t last_text = 0;  ///< 1 + index of the last text that was counted
  };
  std::unordered_map<std::string_view, Frequency> frequencies;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].split != SplitName::train) continue;
    for (const std::string_view word : split_words(texts[i].words)) {
      Frequency& frequency = frequencies[word];
      if (frequency.last_text != i + 1) ++frequency.texts;
      frequency.last_text = i + 1;
    }
  }
  std::vector<std::string> words;
  for (const auto& [word, frequency] : frequencies) {
    if (frequency.texts >= min_df && !is_reserved(word)) words.emplace_back(word);
  }
  std::sort(words.begin(), words.end());
  words.insert(words.begin(), kReservedWords.begin(), kReservedWords.end());
  return Vocabulary(std::move(words));
}

Vocabulary Vocabulary::load(const std::filesystem::path& path) {
  const std::string content = read_file(path);
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
    if (split_at_white_space(word) != std::vector<std::string_view>{word})
      fail(line, fmt::format("{} is not one word", shown(word)));
    words.emplace_back(word);
    begin = end + 1;
  }
  for (size_t id = 0; id < kReservedWords.size(); ++id) {
    const std::string_view found = id < words.size() ? std::string_view(words[id]) : std::string_view();
    if (found != kReservedWords[id])
      fail(id + 1, fmt::format("{} where {} must stand", shown(found), kReservedWords[id]));
  }
  for (size_t id = kFirstWordId; id < words.size(); ++id) {
    if (is_reserved(words[id])) fail(id + 1, fmt::format("the reserved word {} again", words[id]));
    if (id > kFirstWordId && words[id] <= words[id - 1])
      fail(id + 1, fmt::format("{} is not in byte order", shown(words[id])));
  }
  return Vocabulary(std::move(words));
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

int32_t Split::positives() const { return static_cast<int32_t>(std::count(labels.begin(), labels.end(), 1)); }

double Dataset::positive_weight() const {
  const Split& train = split(SplitName::train);
  return static_cast<double>(train.size()) / train.positives() - 1.0;
}

Dataset make_dataset(std::string name, const std::vector<LabelledText>& texts, const DatasetOptions& options) {
  Dataset dataset{std::move(name), Vocabulary::build(texts, options.min_df), {}};
  for (const SplitName split : kSplitNames) {
    const std::string where = fmt::format("{}: the {} split", dataset.name, to_string(split));
    Split& filtered = dataset.splits[static_cast<size_t>(split)];
    filtered = filter_split(where, encode_split(dataset.vocabulary, texts, split), options);
    if (split != SplitName::dev) check_two_classes(where, filtered);
  }
  if (dataset.vocabulary.size() == kFirstWordId) {
    throw InputError(fmt::format(
        "{}: no word stands in {} or more training texts, so the vocabulary is empty; choose a smaller --min-df",
        dataset.name, options.min_df));
  }
  return dataset;
}

}  // namespace notnot
