#pragma once
// What all runs on a data set share: the texts, the word vectors, and the choices that hold for each of them.
#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/corpora/corpus.h"
#include "engine/device/open_device.h"
#include "experiments/study/run_spec.h"

namespace notnot {

struct SetupArguments {
  CorpusRequest corpus;
  std::string vectors, init, select = "test", device = "auto", precision = "fp32", runs = "runs";
  int32_t epochs = 8, batch = 32, hidden = 128, threads = 0;
  int32_t adversary_epochs = 80, patience = 10;
  std::string tvd = "single";
};

/// --dataset.
void add_dataset_option(CLI::App& command, SetupArguments& arguments);
/// Its companions: --min-df, --min-length, --max-length, --difficulty, --corpus-seed, --vectors.
void add_data_options(CLI::App& command, SetupArguments& arguments);
/// --hidden, --epochs, --batch, --select, --device, --precision, --threads, --runs.
void add_training_options(CLI::App& command, SetupArguments& arguments);

/// Attention that was made elsewhere, for a guided MLP.
struct ExternalGuide {
  std::string label;  ///< RunSpec::other of the guided run
  std::filesystem::path file;
  std::string checksum;
  Targets targets;
};

struct Setup {
  SetupArguments arguments;
  Corpus corpus;
  int32_t embed = 300;
  std::vector<float> embedding;  ///< [V, E] word vectors or empty
  int64_t vectors_found = 0;
  std::optional<ExternalGuide> guide = {};

  const std::string& name() const { return corpus.dataset.name; }
  /// Threads that training may use.
  int threads() const { return arguments.threads > 0 ? arguments.threads : available_threads(); }
  ModelOptions model(const RunSpec& spec) const;
  TrainingOptions training(const RunSpec& spec) const;
  /// config.json without what a run learns from another: `choices` makes two runs the same run.
  nlohmann::json config(const RunSpec& spec) const;
  std::vector<float> initial_parameters(const RunSpec& spec) const;
};

/// Loads texts and vectors; throws InputError when they or the device cannot be used, also not in the precision, or
/// when one class is missing in the split that chooses the epoch.
Setup make_setup(const SetupArguments& arguments);

/// The texts by split, the vocabulary, and what a reader of the numbers must know, on the terminal.
void describe(const Setup& setup);

}  // namespace notnot
