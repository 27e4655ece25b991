#include "engine/corpora/sst_trees.h"

#include <algorithm>
#include <string>

#include "engine/io/input_error.h"
#include "engine/io/text.h"

namespace notnot {
namespace {

/// One pass over the line with a stack of its own: a hostile file may nest deeper than the program's stack.
class TreeParser {
 public:
  TreeParser(std::string_view line, const std::string& where) : line_(line), where_(where) {}

  /// The leaves, in order; `sentiment()` is then the root's.
  std::vector<std::string_view> leaves() {
    std::vector<std::string_view> leaves;
    do {
      const char next = peek();
      if (next == '(') {
        open_node();
      } else if (next == ')') {
        close_node();
      } else {
        leaves.push_back(leaf());
      }
      skip_blanks();
    } while (!open_.empty());
    if (position_ != line_.size()) fail("text after the tree's end");
    return leaves;
  }
  int32_t sentiment() const { return sentiment_; }

 private:
  enum class Content : uint8_t { none, leaf, nodes };

  [[noreturn]] void fail(std::string_view what) const {
    throw InputError(
        fmt::format("{}, byte {}: {}; the line must be a tree such as (3 (2 a) (3 treat)). Download the file again.",
                    where_, position_ + 1, what));
  }
  char peek() const {
    if (position_ == line_.size()) fail("the tree is not closed");
    return line_[position_];
  }
  void skip_blanks() {
    while (position_ < line_.size() && line_[position_] == ' ') ++position_;
  }

  void open_node() {
    if (!open_.empty() && open_.back() == Content::leaf) fail("a node beside a word");
    if (!open_.empty()) open_.back() = Content::nodes;
    ++position_;
    if (peek() < '0' || peek() > '4') fail("a sentiment from 0 to 4 is missing");
    if (open_.empty()) sentiment_ = peek() - '0';
    ++position_;
    if (peek() != ' ') fail("a blank is missing after the sentiment");
    open_.push_back(Content::none);
  }
  void close_node() {
    if (open_.empty() || open_.back() == Content::none) fail("a node without words");
    open_.pop_back();
    ++position_;
  }
  std::string_view leaf() {
    if (open_.empty() || open_.back() != Content::none) fail("a word outside a node of its own");
    open_.back() = Content::leaf;
    const size_t begin = position_;
    position_ = std::min(line_.find_first_of("() ", begin), line_.size());
    return line_.substr(begin, position_ - begin);
  }

  std::string_view line_;
  const std::string& where_;
  size_t position_ = 0;
  std::vector<Content> open_;  ///< the content so far of each open node
  int32_t sentiment_ = 0;
};

bool is_number_k(std::string_view word) {
  return word.size() > 1 && word.back() == 'k' && word.find_first_not_of("0123456789") == word.size() - 1;
}

}  // namespace

std::string clean_sst(std::string_view sentence) {
  const std::string lower = to_lower(blank_non_word(sentence));
  std::vector<std::string_view> words;
  for (const std::string_view word : split_at_white_space(lower)) {
    const size_t cut = word == "gonna" ? 3 : is_number_k(word) ? word.size() - 1 : 0;
    if (cut > 0) words.push_back(word.substr(0, cut));
    words.push_back(word.substr(cut));
  }
  return join_words(words);
}

SstSentence parse_sst_tree(std::string_view line, const std::string& where) {
  if (const auto invalid = first_invalid_utf8(line)) {
    throw InputError(fmt::format("{}, byte {}: not UTF-8. Download the file again.", where, *invalid + 1));
  }
  TreeParser parser(line, where);
  std::string sentence;
  for (const std::string_view leaf : parser.leaves()) {
    if (leaf != "-LRB-" && leaf != "-RRB-") sentence.append(leaf).append(" ");
  }
  SstSentence result = {clean_sst(sentence), parser.sentiment()};
  if (result.words.empty()) throw InputError(fmt::format("{}: the tree has no word. Download the file again.", where));
  return result;
}

std::vector<LabelledText> read_sst_trees(SourceReader& sources) {
  constexpr int32_t kNeutral = 2;
  std::vector<LabelledText> texts;
  for (const SplitName split : kSplitNames) {
    const std::string name = fmt::format("{}.txt", to_string(split));
    const std::filesystem::path path = sources.root() / name;
    const std::string content = sources.read(name);
    int64_t line_number = 0;
    for (size_t begin = 0; begin < content.size();) {
      const size_t end = std::min(content.find('\n', begin), content.size());
      std::string_view line = std::string_view(content).substr(begin, end - begin);
      if (line.ends_with('\r')) line.remove_suffix(1);
      SstSentence sentence = parse_sst_tree(line, fmt::format("{}, line {}", path.string(), ++line_number));
      if (sentence.sentiment != kNeutral) {
        const int64_t row = texts.size() + 1;
        texts.push_back({std::move(sentence.words), sentence.sentiment > kNeutral ? 1 : 0, split, row});
      }
      begin = end + 1;
    }
    if (line_number == 0) throw InputError(fmt::format("{}: the file is empty. Download it again.", path.string()));
  }
  return texts;
}

}  // namespace notnot
