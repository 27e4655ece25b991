#pragma once
// Which texts make a batch, in which order, and the batch in memory.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "engine/data/dataset.h"
#include "engine/device/streams.h"
#include "kernels/base/ragged.h"

namespace notnot {

/// The training batches of one epoch as indices into the split (protocol of Jain & Wallace 2019): every length L,
/// boundary tokens included, plus a uniform integer in [floor(-0.1 L), ceil(0.1 L) - 1]; sorted ascending, ties at
/// random; cut into batches of `batch_size`, the short last one holding the longest texts; the batches shuffled. What
/// is drawn for a text is a function of seed, epoch and its place in `places` (text_order.h): so the same texts in
/// another order of the file meet in the same batches. Where ties were taken in the order of a file that is sorted by
/// label, as SST's is, most batches would be of one class.
std::vector<std::vector<int32_t>> training_batches(const Split& split, const std::vector<int32_t>& places,
                                                   int32_t batch_size, uint64_t seed, int32_t epoch);
/// The same, with places_by_content of the split. That sorts all texts, so whoever has many epochs does it once.
std::vector<std::vector<int32_t>> training_batches(const Split& split, int32_t batch_size, uint64_t seed,
                                                   int32_t epoch);

/// What bounds a batch for evaluation.
struct EvaluationLimits {
  int64_t tokens = 0;
  /// CUDA: the sequences that the device computes side by side with one per block, half of its SMs; 0: of no account. A
  /// batch then has one, two, four or a multiple of four times as many, and for that up to `most_tokens`.
  int64_t wave = 0, most_tokens = 0;
};
EvaluationLimits evaluation_limits(const Device& device);
/// Batches for evaluation: texts sorted by length, as many per batch as the limits allow (at least one), not shuffled.
std::vector<std::vector<int32_t>> evaluation_batches(const Split& split, const EvaluationLimits& limits);

/// Upper bounds that device buffers are sized for.
struct BatchCapacity {
  int64_t sequences = 0, tokens = 0;
  int64_t unique = 0;  ///< distinct ids
};
/// Bounds over all training_batches of any seed and epoch: the batch_size longest texts together.
BatchCapacity training_capacity(const Split& split, int32_t batch_size, int32_t vocabulary);
/// Bounds over the given evaluation batches; `unique` stays 0.
BatchCapacity capacity_of(const Split& split, const std::vector<std::vector<int32_t>>& batches);
BatchCapacity larger(const BatchCapacity& a, const BatchCapacity& b);

/// A batch put together on the host: sequences longest first.
struct HostBatch {
  std::vector<int32_t> texts;      ///< [B] index into the split of each sequence
  std::vector<int32_t> token_ids;  ///< [N]
  std::vector<int32_t> offsets;    ///< [B + 1]
  std::vector<int32_t> labels;     ///< [B]
  int32_t longest = 0;
  int32_t unique = 0;  ///< distinct ids

  int32_t sequences() const { return static_cast<int32_t>(labels.size()); }
  int32_t tokens() const { return static_cast<int32_t>(token_ids.size()); }
};
/// Texts of one length stand in the order of `texts`. An id that is not below `vocabulary` throws Error.
HostBatch assemble_batch(const Split& split, const std::vector<int32_t>& texts, int32_t vocabulary);

/// The number of tokens, or of distinct ids, that a training batch of `size` is computed with: `size` and the slack
/// behind it (RaggedBatch). On CUDA the slack is at most an eighth: there are eight sizes for every power of two, so
/// that batches share captured steps (engine/device/streams.h). On the CPU there is none.
int64_t size_with_slack(const Device& device, int64_t size);
BatchCapacity with_slack(const Device& device, const BatchCapacity& capacity);

/// Which row of a table of projected ids (kernels/token_projection.h) each id has while a model evaluates. An id gets
/// its row when a text first needs it: so it is projected once per change of the parameters, and few texts project few
/// ids.
class ProjectionRows {
 public:
  explicit ProjectionRows(int32_t vocabulary) : row_of_id_(vocabulary, kNone) {}
  /// Takes all rows back.
  void clear();
  /// The number of rows that were given out: always a multiple of kRowTile, unless every id has a row.
  int32_t size() const { return size_; }
  /// The row of each of `ids`. Ids that have none get the rows from size() on and are returned in `added`, and with
  /// them as many other ids as fill the last tile of a matrix product, which costs the same.
  std::vector<int32_t> rows_of(const std::vector<int32_t>& ids, std::vector<int32_t>& added);
  /// The most ids that `rows_of` adds for `tokens` tokens.
  static int64_t most_added(int64_t tokens, int64_t vocabulary) { return padded_rows(std::min(tokens, vocabulary)); }

 private:
  static constexpr int32_t kNone = -1;
  int32_t give(int32_t id, std::vector<int32_t>& added);

  std::vector<int32_t> row_of_id_;
  int32_t size_ = 0;
  int32_t filler_ = 0;  ///< ids below it have rows
};

/// A batch on the device, as an Upload brings it there.
struct DeviceBatch {
  RaggedBatch ragged;
  Span<const int32_t> labels;     ///< [B]
  Span<const int32_t> added_ids;  ///< in evaluation the ids that got rows with this batch: the last rows of the table
};
/// Packs a batch for training, with slack and with its distinct ids, which are the rows of the table. Where each array
/// lies depends on B, N and U (with slack) only. Throws Error when the upload is too small, as does
/// pack_for_evaluation.
DeviceBatch pack_for_training(const Device& device, Upload& upload, const HostBatch& batch, int32_t vocabulary);
/// Packs the row of every token, and the ids that had none.
DeviceBatch pack_for_evaluation(Upload& upload, const HostBatch& batch, ProjectionRows& projected);
/// The bytes that these take at most, for batches of this size (with slack); in evaluation `unique` counts added ids.
int64_t packed_bytes(const BatchCapacity& evaluation, const BatchCapacity& training);

}  // namespace notnot
