#include "engine/data/vector_coverage.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "engine/io/text.h"

namespace notnot {
namespace {

/// The share of the running words whose id is in `chosen`.
double share(const std::vector<int64_t>& running, const std::vector<bool>& chosen) {
  double all = 0, those = 0;
  for (size_t id = kFirstWordId; id < running.size(); ++id) {
    all += static_cast<double>(running[id]);
    if (chosen[id]) those += static_cast<double>(running[id]);
  }
  return all == 0 ? 1 : those / all;
}

/// The script of most of the running words that have a letter.
std::string script_of_texts(const Vocabulary& vocabulary, const std::vector<int64_t>& running) {
  std::map<std::string, int64_t> counts;
  for (int32_t id = kFirstWordId; id < vocabulary.size(); ++id) {
    const std::string script = script_of(vocabulary.word(id));
    if (!script.empty()) counts[script] += running[id];
  }
  const auto most =
      std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == counts.end() ? "" : most->first;
}

std::string cause(const Vocabulary& vocabulary, const std::vector<int64_t>& running, const WordVectors& vectors) {
  if (2 * vectors.not_utf8 > vectors.words)
    return "most of its words are not UTF-8: convert it (iconv -f ENCODING -t UTF-8)";
  if (!vectors.decoration.empty()) return vectors.decoration;
  std::vector<bool> only_capitals = vectors.has_capitals;
  for (size_t id = 0; id < only_capitals.size(); ++id) only_capitals[id] = only_capitals[id] && !vectors.has[id];
  const double capitals = share(running, only_capitals);
  if (capitals > 0.1 || capitals > share(running, vectors.has)) {
    return fmt::format(
        "{:.0f} % stand in it with capital letters only, and texts are read in lower case: give vectors of words in "
        "lower case",
        100 * capitals);
  }
  const std::string script = script_of_texts(vocabulary, running);
  if (!script.empty() && !vectors.script.empty() && script != vectors.script) {
    return fmt::format(
        "most of its words are written in {} and those of the texts in {}: give vectors for the language "
        "of the texts",
        vectors.script, script);
  }
  return "they may be for another language or another kind of texts, or the texts' words are cut in another way";
}

}  // namespace

std::string likely_cause(const Vocabulary& vocabulary, const std::vector<int64_t>& running,
                         const WordVectors& vectors) {
  std::vector<std::string> first;
  for (const std::string& word : vectors.first) first.push_back(in_quotes(word));
  return fmt::format("{} (its first words: {})", cause(vocabulary, running, vectors), fmt::join(first, ", "));
}

std::vector<std::string> vector_warnings(const Vocabulary& vocabulary, const std::vector<int64_t>& running,
                                         const WordVectors& vectors, const std::string& file) {
  std::vector<std::string> warnings;
  const double covered = share(running, vectors.has);
  if (covered < 0.5) {
    warnings.push_back(
        fmt::format("the word vectors of {} cover only {:.1f} % of the running words of the training texts; {}", file,
                    100 * covered, likely_cause(vocabulary, running, vectors)));
  }
  if (vectors.not_utf8 > 0)
    warnings.push_back(fmt::format("{} words of {} are not UTF-8 and were passed over", vectors.not_utf8, file));
  if (vectors.repeated > 0) {
    warnings.push_back(
        fmt::format("{} has further vectors of words that had one ({}); the first counts", file, vectors.repeated));
  }
  return warnings;
}

}  // namespace notnot
