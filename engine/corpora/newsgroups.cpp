#include "engine/corpora/newsgroups.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "engine/corpora/news_text.h"
#include "engine/io/delimited.h"
#include "engine/io/input_error.h"
#include "engine/io/text.h"
#include "kernels/base/error.h"

namespace notnot {
namespace {

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

std::string join_lines(const std::vector<std::string_view>& lines) {
  std::string text;
  for (size_t i = 0; i < lines.size(); ++i) text.append(i == 0 ? "" : "\n").append(lines[i]);
  return text;
}

/// Without white space at both ends.
std::string_view trim(std::string_view text) {
  const auto pieces = split_at_white_space(text);
  if (pieces.empty()) return {};
  return {pieces.front().data(),
          static_cast<size_t>(pieces.back().data() + pieces.back().size() - pieces.front().data())};
}

bool is_separator(std::string_view line) { return trim(line).find_first_not_of('-') == std::string_view::npos; }

bool is_quotation(std::string_view line) {
  constexpr std::array<std::string_view, 5> kAnywhere = {"writes in", "writes:", "wrote:", "says:", "said:"};
  constexpr std::array<std::string_view, 4> kAtStart = {"In article", "Quoted from", "|", ">"};
  return std::any_of(kAnywhere.begin(), kAnywhere.end(),
                     [line](std::string_view part) { return line.find(part) != std::string_view::npos; }) ||
         std::any_of(kAtStart.begin(), kAtStart.end(),
                     [line](std::string_view part) { return line.starts_with(part); });
}

std::string_view strip_header(std::string_view post) {
  const size_t end = post.find("\n\n");
  return end == std::string_view::npos ? std::string_view() : post.substr(end + 2);
}

std::string strip_footer(std::string_view text) {
  std::vector<std::string_view> lines = split_lines(trim(text));
  const auto last = std::find_if(lines.rbegin(), lines.rend(), is_separator);
  if (last == lines.rend() || last + 1 == lines.rend()) return std::string(text);
  lines.erase(last.base() - 1, lines.end());
  return join_lines(lines);
}

std::string strip_quotes(std::string_view text) {
  std::vector<std::string_view> lines = split_lines(text);
  std::erase_if(lines, is_quotation);
  return join_lines(lines);
}

constexpr std::array<const char*, 2> kHalves = {"20news-bydate-train", "20news-bydate-test"};
constexpr std::array<const char*, 2> kGroups = {"rec.sport.baseball", "rec.sport.hockey"};  // by label

/// Every post of both groups by its path.
std::unordered_map<std::string, std::string> read_posts(SourceReader& sources) {
  std::unordered_map<std::string, std::string> posts;
  for (const char* half : kHalves) {
    for (const char* group : kGroups) {
      const std::string folder = fmt::format("{}/{}", half, group);
      sources.read_folder(folder, [&](const std::string& name, const std::string& content) {
        posts.emplace(fmt::format("{}/{}", folder, name), content);
      });
    }
  }
  return posts;
}

SplitName split_of(const std::string& fold) {
  const auto* found =
      std::find_if(kSplitNames.begin(), kSplitNames.end(), [&](SplitName split) { return to_string(split) == fold; });
  NOTNOT_CHECK(found != kSplitNames.end(), "fold {}", fold);
  return *found;
}

}  // namespace

std::string strip_post(std::string_view post) { return strip_quotes(strip_footer(strip_header(post))); }

std::vector<LabelledText> read_newsgroups(SourceReader& sources, std::string_view split) {
  const auto posts = read_posts(sources);
  std::vector<LabelledText> texts;
  DelimitedReader reader("the published split", {.delimiter = '\t', .header = true, .lossy = false});
  reader.read(split, [&](Record&& record) {
    if (reader.record() == 0) return;
    NOTNOT_CHECK(record.size() == 3, "record {} of the split has {} fields", reader.record(), record.size());
    const auto post = posts.find(record[2]);
    if (post == posts.end()) {
      throw InputError(fmt::format("{} is missing; download 20 Newsgroups (the \"bydate\" version) again",
                                   (sources.root() / record[2]).string()));
    }
    std::string words = thin_punctuation(tokenise_news(strip_post(from_latin1(post->second))));
    if (words.empty()) {
      throw InputError(fmt::format("{} has no word but headers, quotes and signature; download 20 Newsgroups again",
                                   (sources.root() / record[2]).string()));
    }
    texts.push_back({std::move(words), record[1] == "1" ? 1 : 0, split_of(record[0]), reader.record(), record[2]});
  });
  return texts;
}

}  // namespace notnot
