#pragma once
// The inputs that all runs on a data set share: the user's settings, the texts, and the word vectors.
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/corpora/corpus.h"
#include "engine/device/open_device.h"
#include "engine/io/safetensors.h"
#include "engine/runs/external_attention.h"
#include "experiments/study/run_config.h"
#include "experiments/study/run_spec.h"
#include "experiments/study/settings.h"

namespace notnot {

/// Attention that another program made, as the guide of an MLP.
struct ExternalGuide {
  std::string label;  ///< RunSpec::other of the guided run
  std::filesystem::path file;
  std::string checksum;  ///< ExternalAttention::checksum
  Targets targets;
  Importance importance = Importance::weights;  ///< how its numbers became the weights in `targets`
};

struct Inputs {
  Settings settings;
  Corpus corpus;
  int32_t embed = 300;                ///< width of the word embeddings
  std::vector<float> embedding;       ///< [V, E] word vectors; empty: embeddings start at random
  int64_t vectors_found = 0;          ///< words that have a vector
  std::string vectors_checksum = {};  ///< of the file of the word vectors; empty without one
  /// The file of --init. It stays open, so that another file that takes over its path changes nothing.
  std::optional<Safetensors> init = {};
  std::string init_checksum = {};
  std::optional<ExternalGuide> guide = {};
  std::optional<AblatedTexts> ablated = {};  ///< only of the planted corpus

  /// The name of the data set.
  const std::string& name() const { return corpus.dataset.name; }
  /// CPU threads that training may use.
  int threads() const { return settings.threads > 0 ? settings.threads : available_threads(); }
  /// The folder of a run. It need not exist.
  RunFolder folder(const RunSpec& spec) const { return {settings.runs, run_name(name(), spec)}; }

  /// Whether the run learns from attention that another program made.
  bool is_external(const RunSpec& spec) const { return guide && spec.other == guide->label; }
  ModelOptions model(const RunSpec& spec) const;
  TrainingOptions training(const RunSpec& spec) const;
  /// The configuration of the run without the fields that depend on another run or on the device.
  RunConfig config(const RunSpec& spec) const;
  /// Throws InputError when the file of --init does not fit, has a value that is not finite, or was changed since it
  /// was opened.
  std::vector<float> initial_parameters(const RunSpec& spec) const;
};

/// Loads texts and vectors. Throws InputError when the texts, the vectors or the device cannot be used, when the device
/// cannot compute in the precision, when the split that chooses the epoch has texts of one class only, and when --init
/// is the model of a run on other words.
Inputs load_inputs(const Settings& settings);

/// The inputs of a run that is there, with its choices, for runs that look at its model; of `common` the device and the
/// threads are used. Their runs lie beside that run. `dataset`: where the texts are now, as CorpusRequest has it; empty
/// if they are where the run has read them. Word vectors are not read again. Throws InputError when the texts are not
/// there, or are not those of the run.
Inputs load_inputs_of(const RunFolder& run, const std::string& dataset, const Settings& common);

/// The files and folders that were read.
std::vector<std::filesystem::path> paths_read(const Inputs& inputs);

/// Throws InputError if a file that was read lies in `folder`, where a run would replace it.
void check_apart(const Inputs& inputs, const RunFolder& folder);

/// Prints what is to be said whenever the texts are used: that they are made up, or confidential.
void describe_caveats(const Inputs& inputs);

/// Prints the number of texts per split, the size of the vocabulary, and the notes that a reader of the results needs.
void describe(const Inputs& inputs);

}  // namespace notnot
