#include "experiments/commands/data_summary.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/corpora/corpus.h"
#include "engine/corpora/published.h"

namespace notnot {
namespace {

using Json = nlohmann::json;

struct Counts {
  int64_t negative = 0, positive = 0, words = 0;
  double mean_words() const { return static_cast<double>(words) / (negative + positive); }
};

/// The counts of a split, from dataset.json.
Counts counts_of(const PreparedFolder& folder, SplitName split) {
  const Json& counts = folder.description().at("splits").at(std::string(to_string(split)));
  const int64_t negative = counts.at("negative"), positive = counts.at("positive"), tokens = counts.at("tokens");
  return {.negative = negative, .positive = positive, .words = tokens - 2 * (negative + positive)};
}

std::string both(int64_t negative, int64_t positive) { return fmt::format("{} + {}", negative, positive); }

std::array<std::string, 2> classes_of(const PreparedFolder& folder) { return folder.description().at("classes"); }

std::string table_one(const PublishedCorpus& published, const PreparedFolder& folder) {
  const auto row = [](const std::string& name, double words, const std::string& train, const std::string& test,
                      int32_t vocabulary) {
    return fmt::format("  {:<10}{:>8.0f}  {:>15}  {:>13}  {:>10}\n", name, words, train, test, vocabulary);
  };
  const Counts train = counts_of(folder, SplitName::train), test = counts_of(folder, SplitName::test);
  std::string text = fmt::format("\nBeside the paper's Table 1:\n  {:<10}{:>8}  {:>15}  {:>13}  {:>10}\n", "", "words",
                                 "train", "test", "vocabulary");
  text += row("published", published.words, both(published.train[0], published.train[1]),
              both(published.test[0], published.test[1]), published.vocabulary);
  text += row("here", train.mean_words(), both(train.negative, train.positive), both(test.negative, test.positive),
              folder.description().at("vocabulary"));
  return text + fmt::format("  {}\n", published.convention);
}

}  // namespace

std::string counts_summary(const PreparedFolder& folder) {
  const Json& description = folder.description();
  const PublishedCorpus* published = find_published(std::string(description.at("corpus")));
  const auto classes = classes_of(folder);
  std::string text =
      fmt::format("{}{} in {}\n", folder.name(),
                  published == nullptr ? std::string() : fmt::format(": {}", published->title), folder.path().string());
  if (folder.is_synthetic())
    text += "SYNTHETIC: these texts are made up; nothing measured on them is about the real data\n";
  if (is_confidential(folder)) text += "CONFIDENTIAL: do not share these texts, nor what is made of them\n";
  text += fmt::format("{:<8}{:>10}  {:>10}  {:>10}  {:>6}  {:>14}\n", "split", classes[0], classes[1], "words", "mean",
                      "before filter");
  for (const SplitName name : kSplitNames) {
    const Counts counts = counts_of(folder, name);
    const Json& before = description.at("splits").at(std::string(to_string(name))).at("before_length_filter");
    text += fmt::format("{:<8}{:>10}  {:>10}  {:>10}  {:>6.0f}  {:>14}\n", to_string(name), counts.negative,
                        counts.positive, counts.words, counts.mean_words(),
                        both(before.at("negative"), before.at("positive")));
  }
  text += fmt::format("vocabulary {}, reserved ids included\n", description.at("vocabulary").dump());
  if (description.at("choices").contains("word_boundaries"))
    text += fmt::format("word boundaries: {}\n", std::string(description.at("choices").at("word_boundaries")));
  if (description.at("choices").contains("also_in_training")) {
    const Json& repeated = description.at("choices").at("also_in_training");
    text += fmt::format("texts that are also training texts: {} of dev, {} of test\n", repeated.at("dev").dump(),
                        repeated.at("test").dump());
  }
  return published == nullptr ? text : text + table_one(*published, folder);
}

std::string length_histogram(const Dataset& dataset) {
  constexpr int32_t kBars = 10, kWidest = 50;
  std::vector<int64_t> counts;
  int32_t longest = 0;
  for (const SplitName name : kSplitNames) {
    const Split& split = dataset.split(name);
    for (int32_t i = 0; i < split.size(); ++i) longest = std::max(longest, split.length(i) - 2);
  }
  const int32_t step = longest / kBars + 1;
  counts.resize(kBars);
  for (const SplitName name : kSplitNames) {
    const Split& split = dataset.split(name);
    for (int32_t i = 0; i < split.size(); ++i) ++counts[(split.length(i) - 2) / step];
  }
  const int64_t most = *std::max_element(counts.begin(), counts.end());
  std::string text = "\nLengths (from so many words per text on, all splits):\n";
  for (int32_t bar = 0; bar < kBars; ++bar) {
    const int64_t count = counts[bar];
    const int64_t width = (count * kWidest + most - 1) / most;  // rounded up
    text +=
        fmt::format("  {:>5} to {:>5}  {:>7}  {}\n", bar * step, (bar + 1) * step - 1, count, std::string(width, '#'));
  }
  return text;
}

std::string coverage_summary(const PreparedFolder& folder, const UnknownWords& unknown) {
  std::string text = "\nCoverage:\n";
  for (const SplitName name : kSplitNames) {
    text += fmt::format("  {:<5}  {:.2f} % of the words are in the vocabulary\n", to_string(name),
                        100.0 - 100.0 * unknown[name] / counts_of(folder, name).words);
  }
  const Json& description = folder.description();
  if (!description.contains("vectors")) return text + "  no word vectors are attached\n";
  const Json& vectors = description.at("vectors");
  return text + fmt::format("  {} of the {} ids have a word vector ({} wide)\n", vectors.at("found").dump(),
                            int32_t{description.at("vocabulary")} - 1, vectors.at("width").dump());
}

std::string sample_texts(const PreparedFolder& folder, int32_t count) {
  constexpr size_t kLongest = 300;  // in bytes
  const auto classes = classes_of(folder);
  std::array<int32_t, 2> shown{};
  std::string text = "\nSample texts (test split):\n";
  folder.for_each_text([&](const LabelledText& sample) {
    const int32_t label = sample.label;
    if (sample.split != SplitName::test || shown[label] == count) return;
    ++shown[label];
    const size_t end = sample.words.size() > kLongest ? sample.words.rfind(' ', kLongest) : std::string::npos;
    text += fmt::format("  [{}{}] {}{}\n", classes[label], sample.id.empty() ? "" : ", " + sample.id,
                        sample.words.substr(0, end), end == std::string::npos ? "" : " ...");
  });
  return text;
}

}  // namespace notnot
