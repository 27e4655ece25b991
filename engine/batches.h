#pragma once
// Which texts make a batch, in which order, and the batch in memory.
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/dataset.h"
#include "engine/memory.h"
#include "engine/streams.h"
#include "kernels/unique_tokens.h"

namespace notnot {

/// The training batches of one epoch as indices into the split (protocol of Jain & Wallace 2019): every length L,
/// boundary tokens included, plus a uniform integer in [floor(-0.1 L), ceil(0.1 L) - 1]; sorted ascending; cut into
/// batches of `batch_size`, the short last one holding the longest texts; the batches shuffled. A function of its
/// arguments alone.
std::vector<std::vector<int32_t>> training_batches(const Split& split, int32_t batch_size, uint64_t seed,
                                                   int32_t epoch);

/// Batches for evaluation: texts sorted by length, as many per batch as fit `max_tokens` (at least one), not shuffled.
std::vector<std::vector<int32_t>> evaluation_batches(const Split& split, int64_t max_tokens);

/// Upper bounds that device buffers are sized for.
struct BatchCapacity {
  int64_t sequences = 0, tokens = 0;
  int64_t unique = 0;  ///< distinct ids; training alone needs to know them
};
/// Bounds over all training_batches of any seed and epoch: the batch_size longest texts together.
BatchCapacity training_capacity(const Split& split, int32_t batch_size, int32_t vocabulary);
/// Bounds over the given evaluation batches.
BatchCapacity capacity_of(const Split& split, const std::vector<std::vector<int32_t>>& batches);
BatchCapacity larger(const BatchCapacity& a, const BatchCapacity& b);

/// A batch put together on the host: sequences longest first (ties in index order).
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
/// `vocabulary` bounds the ids; one above it throws Error.
HostBatch assemble_batch(const Split& split, const std::vector<int32_t>& texts, int32_t vocabulary);

/// What `size` tokens or distinct ids of a training batch are computed as. On CUDA up to an eighth more, eight sizes
/// for every power of two, so that batches share captured steps (engine/streams.h); what is more is room (RaggedBatch).
int64_t size_with_room(const Device& device, int64_t size);
BatchCapacity with_room(const Device& device, const BatchCapacity& capacity);

/// Device buffers for one batch, refilled again and again: at most `evaluation` or, for training, at most `training`
/// (with room).
class DeviceBatch {
 public:
  /// Declares the buffers in `arena` as `group`; usable once the arena is allocated.
  DeviceBatch(Arena& arena, const std::string& group, const BatchCapacity& evaluation, const BatchCapacity& training,
              int32_t vocabulary);
  /// Bytes that the batches take of an Upload.
  static size_t upload_bytes(const BatchCapacity& capacity);
  /// Uploads and, for training, finds the unique tokens, all of it on `device`'s stream. Throws Error when the batch
  /// exceeds the capacity.
  void load(const Device& device, Upload& upload, const HostBatch& batch, bool training);

  const RaggedBatch& ragged() const { return ragged_; }
  Span<const int32_t> labels() const { return labels_; }

 private:
  void find_unique(const Device& device, int32_t unique);
  /// The spans live apart so that the arena's pointers to them survive a move of the DeviceBatch.
  struct Buffers {
    Span<int32_t> token_ids, offsets, labels, unique_ids, unique_row, occurrence_offsets, occurrences, workspace;
  };
  std::unique_ptr<Buffers> buffers_ = std::make_unique<Buffers>();
  int32_t vocabulary_ = 0;
  RaggedBatch ragged_;
  Span<const int32_t> labels_;
};

}  // namespace notnot
