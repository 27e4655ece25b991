#pragma once
// The configuration of a run: the file config.json of its folder. All other code reads and writes config.json through
// RunConfig.
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/corpora/planted_corpus.h"
#include "engine/data/dataset.h"
#include "engine/data/split_name.h"
#include "engine/runs/external_attention.h"
#include "engine/runs/run_folder.h"
#include "experiments/study/run_spec.h"
#include "models/training.h"

namespace notnot {

/// Which texts a run is trained on.
struct DataChoices {
  std::string dataset;                    ///< the name of the data set
  std::string corpus;                     ///< Corpus::reader; empty in the configuration of an earlier version
  DatasetOptions options;                 ///< vocabulary and length filter
  std::string checksum;                   ///< Corpus::checksum; empty for the built-in corpus
  bool synthetic = false;                 ///< the texts are made up in place of real ones
  std::string tokenise = {};              ///< Corpus::tokenise
  std::optional<PlantedOptions> planted;  ///< only for the built-in corpus
};

/// Where the inputs of a run lay; empty for an input that it does not have. The paths are recorded for people, and
/// never compared: an input is known by its content, so that it may be moved, copied or linked. But whether there is a
/// path counts: `attention` tells whose attention a run learns from, `vectors` and `init` need their checksums.
struct InputPaths {
  std::string data;       ///< the file or folder of the texts
  std::string vectors;    ///< the word vectors
  std::string init;       ///< the parameters of --init
  std::string attention;  ///< the attention from another program. A run that has none of it learns from another run
};

/// The size of one split.
struct SplitSizes {
  int64_t negative = 0, positive = 0;  ///< texts with label 0 and with label 1
  int64_t tokens = 0;                  ///< boundary tokens included
};

struct RunConfig {
  // --- the choices (`choices` in the file): two runs with the same choices and the same sizes are the same run
  DataChoices data;
  RunSpec spec;
  int32_t embed = 0;                      ///< width of the word embeddings
  int32_t hidden = 0;                     ///< units per direction of the LSTM, or of the token-level layer
  Precision precision = Precision::fp32;  ///< of the LSTM's recurrence
  /// Of the files that the parameters start from; empty: there is no such file.
  std::string vectors_checksum, init_checksum;
  TrainingOptions training;  ///< of an attribution, those of the model that it looks at
  /// Only for a run that needs another one (needs_another): RunFolder::attention_checksum of the other run, or the
  /// checksum of the attention from another program. Empty as long as the other run is not finished.
  std::string other_checksum;
  /// Only for a run with attention from another program: how the numbers of that became weights.
  Importance importance = Importance::weights;

  // --- where the inputs lay (`paths` in the file)
  InputPaths paths;

  /// `confidential` in the file: Corpus::confidential when the run was trained. Not compared, so that a data set may be
  /// marked later. Ask is_confidential.
  bool confidential = false;

  // --- the sizes that follow from the choices (`data` in the file)
  int32_t vocabulary = 0;
  BySplit<SplitSizes> texts;
  int64_t words_with_vectors = 0;

  // --- where it was trained
  /// OpenDevice::description of every device on which it was trained, in order; a run that went on on another device
  /// has several. Empty for a run that failed before it began.
  std::vector<std::string> devices;
  /// OpenDevice::connections of the last one of them. It changes how long models wait for each other, and no byte.
  std::string cuda_connections = {};
  /// The version and the commit of the program that began the run. RunWriter::start writes them.
  std::string version, commit;
  /// The other versions and commits of the program that went on with it, in order, as "0.1.0, commit abc".
  std::vector<std::string> resumed_by = {};

  /// Whether there is a checksum of every input. Earlier versions recorded paths instead: then nobody knows what the
  /// run has read.
  bool has_checksums() const;

  /// Whether the texts may not be shared. Runs of earlier versions on clinical texts have no mark.
  bool is_confidential() const;
};

/// The content of config.json. `version` and `commit` are left out where both are empty.
nlohmann::json to_json(const RunConfig& config);

/// The opposite of to_json, and strict: a key that is missing, unknown or of another type throws InputError, which
/// names the key. The form of version 0.1.0, without `paths`, is read, too.
RunConfig parse_run_config(const nlohmann::json& json);

/// The configuration of the run in the folder. Throws InputError naming the file.
RunConfig read_run_config(const RunFolder& folder);

/// "cpu (avx512)", or "cpu (avx512), then cuda:0 (NVIDIA H200)".
std::string devices_in_words(const RunConfig& config);

/// "0.1.0, commit abc", or "0.1.0, commit abc, then 0.2.0, commit def": the programs that trained the run.
std::string programs_in_words(const RunConfig& config);

/// The last of them, "0.2.0, commit def", and this program, likewise.
std::string last_program(const RunConfig& config);
std::string this_program();

/// The model of the run.
ModelOptions model_options(const RunConfig& config);

/// The choices and sizes in which two configurations differ, as dotted keys in byte order
/// ("sizes.splits.train.tokens"). If `requested` does not know its `other_checksum` yet, that key is not compared.
/// Empty if both are the same run, which may be resumed or skipped.
std::vector<std::string> differing_choices(const RunConfig& existing, const RunConfig& requested);

/// The choices of the data, and of word vectors where both have some, in which two runs differ, as above. Runs are
/// comparable only if there is none.
std::vector<std::string> differing_inputs(const RunConfig& a, const RunConfig& b);

/// Those of differing_inputs that tell the content of two data sets apart, whatever part of it the runs use.
std::vector<std::string> differing_content(const RunConfig& a, const RunConfig& b);

/// The keys for people, separated by commas; a key that does not speak for itself is followed by its meaning.
std::string in_words(const std::vector<std::string>& keys);

}  // namespace notnot
