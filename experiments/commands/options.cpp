#include "experiments/commands/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <string>

namespace notnot {
namespace {

constexpr int32_t kMost = std::numeric_limits<int32_t>::max();

}  // namespace

void add_dataset_option(CLI::App& command, Settings& a) {
  command
      .add_option(
          "--dataset", a.corpus.dataset,
          "A folder that notnot prepare wrote, or its name in $NOTNOT_DATA/prepared; planted; sst; or a CSV, TSV "
          "or JSON lines file with text, label and split")
      ->required();
}

void add_data_options(CLI::App& command, Settings& a) {
  command.add_option("--min-df", a.corpus.min_df, "Texts a word must occur in to be in the vocabulary (default 1)")
      ->check(CLI::Range(1, kMost));
  command
      .add_option("--min-length", a.corpus.min_length,
                  "Keep texts with more words than this (default: sst 5, else no filter)")
      ->check(CLI::Range(0, kMost));
  command
      .add_option("--max-length", a.corpus.max_length,
                  "Keep texts with fewer words than this (default: sst the longest of each split, else no filter)")
      ->check(CLI::Range(1, kMost));
  command
      .add_option("--difficulty", a.corpus.planted.difficulty,
                  "planted: share of the texts whose evidence is contradicted by less evidence for the other class")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command
      .add_option("--corpus-seed", a.corpus.planted.seed, "planted: seed of the texts; --seed leaves them as they are")
      ->capture_default_str();
  command.add_option(
      "--vectors", a.vectors,
      "Word vectors in fastText's or GloVe's text format, or word2vec's binary one (default: those of the "
      "prepared data set, else random N(0, 1), 300 wide)");
}

void add_training_options(CLI::App& command, Settings& a) {
  command.add_option("--hidden", a.hidden, "Hidden units per direction")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command.add_option("--epochs", a.epochs, "Epochs")->check(CLI::Range(1, 100000))->capture_default_str();
  command.add_option("--batch", a.batch, "Texts per batch")->check(CLI::Range(1, 65536))->capture_default_str();
  command.add_option("--select", a.select, "Split whose ROC-AUC chooses the epoch")
      ->check(CLI::IsMember({"dev", "test"}))
      ->capture_default_str();
  command.add_option("--device", a.device, "auto, cpu, cuda or cuda:<number>")->capture_default_str();
  command
      .add_option(
          "--precision", a.precision,
          "Of the LSTM's recurrence: fp32, or bf16x3, on the tensor cores of a CUDA device that many models share")
      ->check(CLI::IsMember({"fp32", "bf16x3"}))
      ->capture_default_str();
  command
      .add_option("--threads", a.threads,
                  "CPU threads (default: all that this process may use); results do not depend on it")
      ->check(CLI::Range(1, 1024));
  command.add_option("--runs", a.runs, "Folder for run folders")->capture_default_str();
}

CLI::Validator valid_seed() {
  return CLI::Validator(
      [](const std::string& text) {
        uint64_t value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        const bool good = error == std::errc() && end == text.data() + text.size();
        return good ? std::string() : fmt::format("{} is not a whole number from 0 to 2^64 - 1", text);
      },
      "");
}

std::optional<uint64_t> given_twice(std::vector<uint64_t> seeds) {
  std::sort(seeds.begin(), seeds.end());
  const auto twice = std::adjacent_find(seeds.begin(), seeds.end());
  return twice == seeds.end() ? std::nullopt : std::optional(*twice);
}

}  // namespace notnot
