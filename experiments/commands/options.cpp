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
          "The texts: a folder that notnot prepare wrote, or its name in $NOTNOT_DATA/prepared; planted, the built-in "
          "corpus; sst, read from $NOTNOT_DATA/sst; or a CSV, TSV or JSON lines file with text, label and split")
      ->required();
}

void add_data_options(CLI::App& command, Settings& a) {
  command
      .add_option("--min-df", a.corpus.min_df,
                  "In how many training texts a word must occur to be in the vocabulary (default: 1)")
      ->check(CLI::Range(1, kMost));
  command
      .add_option("--min-length", a.corpus.min_length,
                  "Keep only texts with more words than this (default: 5 for sst, otherwise no filter)")
      ->check(CLI::Range(0, kMost));
  command
      .add_option(
          "--max-length", a.corpus.max_length,
          "Keep only texts with fewer words than this (default: for sst the length of the longest text of each split, "
          "otherwise no filter)")
      ->check(CLI::Range(1, kMost));
  command
      .add_option(
          "--difficulty", a.corpus.planted.difficulty,
          "Only for planted: the share of the texts that also have evidence for the other class, though less of it")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command
      .add_option("--corpus-seed", a.corpus.planted.seed,
                  "Only for planted: the random seed of the texts; --seed does not change them")
      ->capture_default_str();
  command.add_option(
      "--vectors", a.vectors,
      "A file of word vectors, in the text format of fastText or GloVe or in the binary format of word2vec (default: "
      "the vectors of the prepared data set; without them random vectors from N(0, 1), 300 wide)");
}

void add_training_options(CLI::App& command, Settings& a) {
  command.add_option("--hidden", a.hidden, "Hidden units of the LSTM in each direction, or of the token-level layer")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command.add_option("--epochs", a.epochs, "How often training goes through the training texts")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command.add_option("--batch", a.batch, "Texts per batch")->check(CLI::Range(1, 65536))->capture_default_str();
  command
      .add_option("--select", a.select,
                  "The epoch with the best ROC-AUC on this split is kept; test is the choice of the paper's code, and "
                  "makes the "
                  "test results a little too good")
      ->check(CLI::IsMember({"dev", "test"}))
      ->capture_default_str();
  command
      .add_option("--device", a.device,
                  "Where to compute: auto (a CUDA device if there is one), cpu, cuda or cuda:<number>")
      ->capture_default_str();
  command
      .add_option("--precision", a.precision,
                  "Arithmetic of the LSTM's recurrence: fp32; or bf16x3, which needs a CUDA device and --hidden 128, "
                  "and is faster when many models train at once")
      ->check(CLI::IsMember({"fp32", "bf16x3"}))
      ->capture_default_str();
  command
      .add_option("--threads", a.threads,
                  "Threads on the CPU (default: all that this process may use); results do not depend on it")
      ->check(CLI::Range(1, 1024));
  command.add_option("--runs", a.runs, "The folder in which each run gets its own folder")->capture_default_str();
}

void add_force_option(CLI::App& command, bool& force) {
  command.add_flag("--force", force,
                   "Write the report even to a folder that holds other files: only those that have the names of the "
                   "report's are replaced");
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
