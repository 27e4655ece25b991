#include "experiments/data_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/published.h"

namespace notnot {
namespace {

using Json = nlohmann::json;

int64_t words_of(const Split& split) {
  return static_cast<int64_t>(split.token_ids.size()) - 2 * int64_t{split.size()};
}

double mean_words(const Split& split) { return static_cast<double>(words_of(split)) / split.size(); }

std::string both(int32_t negative, int32_t positive) { return fmt::format("{} + {}", negative, positive); }

std::string both(const Split& split) { return both(split.size() - split.positives(), split.positives()); }

std::array<std::string, 2> classes_of(const PreparedFolder& folder) { return folder.description().at("classes"); }

std::string table_one(const PublishedCorpus& published, const Dataset& dataset) {
  const auto row = [](const std::string& name, double words, const std::string& train, const std::string& test,
                      int32_t vocabulary) {
    return fmt::format("  {:<10}{:>8.0f}  {:>15}  {:>13}  {:>10}\n", name, words, train, test, vocabulary);
  };
  const Split& train = dataset.split(SplitName::train);
  std::string text = fmt::format("\nBeside the paper's Table 1:\n  {:<10}{:>8}  {:>15}  {:>13}  {:>10}\n", "", "words",
                                 "train", "test", "vocabulary");
  text += row("published", published.words, both(published.train[0], published.train[1]),
              both(published.test[0], published.test[1]), published.vocabulary);
  text += row("here", mean_words(train), both(train), both(dataset.split(SplitName::test)), dataset.vocabulary.size());
  return text + fmt::format("  {}\n", published.convention);
}

}  // namespace

std::string counts_summary(const PreparedFolder& folder, const Dataset& dataset) {
  const Json& description = folder.description();
  const PublishedCorpus* published = find_published(std::string(description.at("corpus")));
  const auto classes = classes_of(folder);
  std::string text =
      fmt::format("{}{} in {}\n", dataset.name,
                  published == nullptr ? std::string() : fmt::format(": {}", published->title), folder.path().string());
  if (folder.is_synthetic())
    text += "SYNTHETIC: these texts are made up; nothing measured on them is about the real data\n";
  text += fmt::format("{:<8}{:>10}  {:>10}  {:>10}  {:>6}  {:>14}\n", "split", classes[0], classes[1], "words", "mean",
                      "before filter");
  for (const SplitName name : kSplitNames) {
    const Split& split = dataset.split(name);
    const Json& before = description.at("splits").at(std::string(to_string(name))).at("before_length_filter");
    text += fmt::format("{:<8}{:>10}  {:>10}  {:>10}  {:>6.0f}  {:>14}\n", to_string(name),
                        split.size() - split.positives(), split.positives(), words_of(split), mean_words(split),
                        both(before.at("negative"), before.at("positive")));
  }
  text += fmt::format("vocabulary {}, reserved ids included\n", dataset.vocabulary.size());
  if (description.at("choices").contains("word_boundaries"))
    text += fmt::format("word boundaries: {}\n", std::string(description.at("choices").at("word_boundaries")));
  return published == nullptr ? text : text + table_one(*published, dataset);
}

std::string length_histogram(const Dataset& dataset) {
  constexpr int32_t kBars = 10, kWidest = 50;
  std::vector<int64_t> counts;
  int32_t longest = 0;
  for (const Split& split : dataset.splits) {
    for (int32_t i = 0; i < split.size(); ++i) longest = std::max(longest, split.length(i) - 2);
  }
  const int32_t step = longest / kBars + 1;
  counts.resize(kBars);
  for (const Split& split : dataset.splits) {
    for (int32_t i = 0; i < split.size(); ++i) ++counts[static_cast<size_t>((split.length(i) - 2) / step)];
  }
  const int64_t most = *std::max_element(counts.begin(), counts.end());
  std::string text = "\nLengths (from so many words per text on, all splits):\n";
  for (int32_t bar = 0; bar < kBars; ++bar) {
    const int64_t count = counts[static_cast<size_t>(bar)];
    const auto width = static_cast<size_t>(std::ceil(static_cast<double>(count * kWidest) / static_cast<double>(most)));
    text +=
        fmt::format("  {:>5} to {:>5}  {:>7}  {}\n", bar * step, (bar + 1) * step - 1, count, std::string(width, '#'));
  }
  return text;
}

std::string coverage_summary(const PreparedFolder& folder, const Dataset& dataset) {
  std::string text = "\nCoverage:\n";
  for (const SplitName name : kSplitNames) {
    const Split& split = dataset.split(name);
    const auto unknown = std::count(split.token_ids.begin(), split.token_ids.end(), kUnknownId);
    text += fmt::format("  {:<5}  {:.2f} % of the words are in the vocabulary\n", to_string(name),
                        100.0 - 100.0 * static_cast<double>(unknown) / static_cast<double>(words_of(split)));
  }
  const Json& description = folder.description();
  if (!description.contains("vectors")) return text + "  no word vectors are attached\n";
  const Json& vectors = description.at("vectors");
  return text + fmt::format("  {} of the {} ids have a word vector ({} wide)\n", vectors.at("found").dump(),
                            dataset.vocabulary.size() - 1, vectors.at("width").dump());
}

std::string sample_texts(const PreparedFolder& folder, int32_t count) {
  constexpr size_t kLongest = 300;  // bytes
  const auto classes = classes_of(folder);
  std::array<int32_t, 2> shown{};
  std::string text = "\nSample texts (test split):\n";
  for (const LabelledText& sample : folder.texts()) {
    const auto label = static_cast<size_t>(sample.label);
    if (sample.split != SplitName::test || shown[label] == count) continue;
    ++shown[label];
    const size_t end = sample.words.size() > kLongest ? sample.words.rfind(' ', kLongest) : std::string::npos;
    text += fmt::format("  [{}{}] {}{}\n", classes[label], sample.id.empty() ? "" : ", " + sample.id,
                        sample.words.substr(0, end), end == std::string::npos ? "" : " ...");
  }
  return text;
}

}  // namespace notnot
