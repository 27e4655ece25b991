#pragma once
// The file checkpoint.safetensors of a run: where its training stood between two batches.
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "models/optimiser.h"
#include "models/parameters.h"

namespace notnot {

/// How far a training has come.
struct Progress {
  int32_t epoch = 1;  ///< the epoch under way
  int32_t batch = 0;  ///< batches of this epoch already done
  int32_t best_epoch = 0;
  double best_score = -std::numeric_limits<double>::infinity();
  double train_seconds = 0;  ///< of the epoch under way
  double loss = 0;           ///< of the epoch under way: the sum over its batches so far
};

/// What lies beside the checkpoint and belongs to it, by its checksums. All are empty in a checkpoint of an earlier
/// version.
struct Companions {
  std::string choices;  ///< checksum_of_choices of config.json
  std::string metrics;  ///< checksum_of_metrics of the finished epochs
  std::string model;    ///< checksum_of the parameters of the best epoch; empty before the first one, too
};
/// The SHA-256 of the bytes of all parameters, one behind the other. `values` [layout.total()].
std::string checksum_of(const ParameterLayout& layout, const std::vector<float>& values);

struct Checkpoint {
  Progress progress;
  std::vector<float> parameters;  ///< [layout.total()]
  OptimiserState optimiser;
  Companions companions = {};
};

/// What a training can reach.
struct TrainingBounds {
  int32_t epochs = 0;
  int64_t batches = 0;     ///< of an epoch
  bool adversary = false;  ///< its losses and scores may have any sign; those of others are not negative
};

/// Reads the checkpoint of a training within `bounds`, of `members` models that train side by side; one for each. Throws
/// InputError if the file lacks a tensor or has another shape than `layout`, if no such training can have stood there,
/// or if a value was changed since: the file's metadata has `sha256`, the checksum of all its values and of the
/// companions, which stand there, too. The parameters may have any values. The names of the first model are plain;
/// those of the second begin with `member2/`.
std::vector<Checkpoint> read_checkpoints(const std::filesystem::path& path, const ParameterLayout& layout,
                                         const TrainingBounds& bounds, int32_t members = 1);

/// Puts the file in the place of an older one, atomically (write_safetensors).
void write_checkpoints(const std::filesystem::path& path, const ParameterLayout& layout,
                       const std::vector<Checkpoint>& members);

}  // namespace notnot
